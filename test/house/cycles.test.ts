/** Imports go one way: no circle of files anywhere, and no room of the core reaches into one above it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importsOf, root, sources } from './files.ts'

const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')

function circles(cwd: string, ...paths: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'lint', '--only=suspicious/noImportCycles', ...paths], {
    cwd,
    encoding: 'utf8',
  })
  return { status, said: `${stdout}${stderr}` }
}

describe('no file imports itself over others', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'signalbox-cycles-'))
    copyFileSync(join(root, 'biome.json'), join(directory, 'biome.json'))
    execFileSync('git', ['init', '-q'], { cwd: directory })
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('in the whole repository, imports of types among them', () => {
    expect(circles(root, 'packages', 'services', 'test', 'infra')).toMatchObject({ status: 0 })
  })

  it.each([
    ['values', "import { b } from './b.ts'\nexport const a = () => b\n", "import { a } from './a.ts'\nexport const b = () => a\n"],
    [
      'types alone',
      "import type { B } from './b.ts'\nexport type A = B[]\n",
      "import type { A } from './a.ts'\nexport type B = { a: A }\n",
    ],
  ])('a planted circle is noticed: of %s', (_of, a, b) => {
    writeFileSync(join(directory, 'a.ts'), a)
    writeFileSync(join(directory, 'b.ts'), b)
    const { said, status } = circles(directory, '.')
    expect(status).toBe(1)
    expect(said).toContain('noImportCycles')
  })
})

/** The rooms of the core, the lowest first: each may import those before it. `''` is the files beside the rooms. */
const rooms = ['state', 'carrying', 'evolve', 'rules', 'record', 'examine', 'decide', 'built-in', ''] as const

function roomOf(file: string): (typeof rooms)[number] {
  const [room, rest] = file.slice('packages/core/src/'.length).split('/')
  if (rest === undefined) return ''
  const known = rooms.find((each) => each === room)
  if (known === undefined) throw new Error(`${file} is in no room of the core; add the room to test/house/cycles.test.ts in its place`)
  return known
}

function upward(file: string, imported: string): string | null {
  if (!imported.startsWith('.')) return null
  const target = normalize(join(file, '..', imported))
  return rooms.indexOf(roomOf(target)) > rooms.indexOf(roomOf(file)) ? `${file} imports ${target}` : null
}

describe('the core', () => {
  const core = sources.filter((file) => file.startsWith('packages/core/src/'))

  it('has rooms of which none reaches into one above it', () => {
    expect(core.flatMap((file) => importsOf(file).map((imported) => upward(file, imported))).filter((problem) => problem !== null)).toEqual(
      [],
    )
  })

  it.each([
    ['packages/core/src/state/state.ts', '../evolve/evolve.ts'],
    ['packages/core/src/examine/checks/agent.ts', '../../built-in/agent.ts'],
    ['packages/core/src/decide/outcome.ts', '../decide.ts'],
  ])('a planted import is noticed: %s importing %s', (file, imported) => {
    expect(upward(file, imported)).toMatch(file)
  })

  // Each in a process of its own: what another file has loaded already hides what this one lacks.
  it('can be imported from any of its files first', { timeout: 120_000 }, () => {
    const failed = core.flatMap((file) => {
      const { status, stderr } = spawnSync(process.execPath, [join(root, file)], { encoding: 'utf8' })
      return status === 0 ? [] : [`${file}: ${stderr}`]
    })
    expect(failed).toEqual([])
  })
})
