/** Every package and service says what it is, what may import it, and where to start. UPDATE_GOLDEN=1 writes what may import it. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/root.ts'
import { files, read } from './files.ts'
import { importersOf } from './layers.ts'

const rooms = [...new Set(files.map((file) => /^(?:packages|services)\/[^/]+(?=\/package\.json$)/.exec(file)?.[0] ?? ''))].filter(
  (room) => room !== '',
)
const importers = /^- May be imported by: .*$/m
const mostLines = 20

function importersLine(room: string): string {
  const all = importersOf(room)
  return `- May be imported by: ${all.length === 0 ? 'no package or service; it is run' : all.map((each) => `\`${each}\``).join(', ')}.`
}

/** What a README lacks, in sentences. */
function problemsOf(room: string, text: string): string[] {
  const problems: string[] = []
  if (!/^# \S/.test(text)) problems.push('it has no title')
  if (text.trimEnd().split('\n').length > mostLines) problems.push(`it has more than ${mostLines} lines`)
  const line = importers.exec(text)?.[0]
  if (line === undefined) problems.push('it does not say what may import it')
  else if (line !== importersLine(room)) problems.push('it does not say truly what may import it')
  const named = [...text.matchAll(/`((?:src|test)\/[^`]*)`/g)].map(([, file]) => file!)
  if (named.length === 0) problems.push('it names no file to start at')
  problems.push(...named.filter((file) => !existsSync(join(root, room, file))).map((file) => `there is no ${file}`))
  return problems
}

describe('the README of a room', () => {
  it.each(rooms)('%s has one, which is true', (room) => {
    const file = `${room}/README.md`
    expect(files, `${file} is missing`).toContain(file)
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(join(root, file), read(file).replace(importers, importersLine(room)))
    expect(problemsOf(room, read(file))).toEqual([])
  })

  const good = `# packages/log\n\nThe port.\n\n${importersLine('packages/log')}\n- Start here: \`src/port.ts\`\n`

  it('is good as it is described', () => {
    expect(problemsOf('packages/log', good)).toEqual([])
  })

  it.each([
    ['without a title', good.slice(2)],
    ['that is long', good + 'More.\n'.repeat(mostLines)],
    ['that does not say what may import it', good.replace(importers, '')],
    ['that says it falsely', good.replace(/`[^`]+`\./, '`packages/contract`.')],
    ['that names no file', good.replace('`src/port.ts`', 'the port')],
    ['that names a file which is gone', good.replace('port.ts', 'gone.ts')],
  ])('%s is noticed', (_what, text) => {
    expect(problemsOf('packages/log', text)).not.toEqual([])
  })
})
