/** What people who come to the repository look for, where they look for it. */
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { files, read } from './files.ts'

describe('the records of decisions', () => {
  const records = files.filter((file) => /^docs\/decisions\/\d{4}-[a-z-]+\.md$/.test(file)).sort()

  it('are numbered without a gap, and each is in the index under its title', () => {
    expect(files.filter((file) => file.startsWith('docs/decisions/'))).toHaveLength(records.length + 1)
    const index = read('docs/decisions/README.md')
    for (const [position, file] of records.entries()) {
      const title = /^# (\d+)\. (.+)$/m.exec(read(file))!
      expect(Number(title[1])).toBe(position + 1)
      expect(file).toContain(`/${String(position + 1).padStart(4, '0')}-`)
      expect(index).toContain(`${position + 1}. [${title[2]}](${file.split('/').at(-1)})\n`)
    }
  })

  it.each(records)('%s says context, decision and consequences', (file) => {
    const heads = [...read(file).matchAll(/^## (.+)$/gm)].map(([, head]) => head)
    expect(heads).toEqual(['Context', 'Decision', 'Consequences'])
  })
})

describe('what a host of repositories reads', () => {
  const yaml = files.filter((file) => /^\.github\/.*\.ya?ml$/.test(file))

  it.each(yaml)('%s is YAML', (file) => {
    expect(parse(read(file))).toBeTypeOf('object')
  })

  it('a workflow runs what a person runs, with a bound on its time and no right to write', () => {
    const workflow = parse(read('.github/workflows/verify.yml')) as {
      permissions: object
      jobs: Record<string, { 'timeout-minutes'?: number; steps: readonly { run?: string }[] }>
    }
    expect(workflow.permissions).toEqual({ contents: 'read' })
    const jobs = Object.values(workflow.jobs)
    expect(jobs.every((job) => job['timeout-minutes'] !== undefined)).toBe(true)
    const runs = jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => (run === undefined ? [] : [run])))
    expect(runs).toContain('.ci/run')
    const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts)
    for (const run of runs.filter((each) => each.startsWith('npm run '))) expect(scripts).toContain(run.split(' ').at(-1))
  })

  it.each([
    '.editorconfig',
    '.github/ISSUE_TEMPLATE/bug.yml',
    '.github/ISSUE_TEMPLATE/feature.yml',
    '.github/pull_request_template.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
  ])('%s is there', (file) => {
    expect(files).toContain(file)
  })
})

describe('docs', () => {
  const pages = files.filter((file) => file.endsWith('.md'))

  it('name no file that is gone', () => {
    const gone = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target]) => new URL(target!, `file:///${page}`).pathname.slice(1))
        .filter((target) => !files.includes(target) && !files.some((file) => file.startsWith(`${target.replace(/\/$/, '')}/`)))
        .map((target) => `${page}: ${target}`),
    )
    expect(gone).toEqual([])
  })
})
