/** The rooms of the core, in their order. */
import { spawnSync } from 'node:child_process'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/root.ts'
import { importsOf, sources } from './files.ts'

/** The rooms of the core, the lowest first: each may import those before it. `''` is the files beside the rooms. */
const rooms = ['state', 'carrying', 'evolve', 'rules', 'record', 'examine', 'decide', 'built-in', ''] as const

function roomOf(file: string): (typeof rooms)[number] {
  const [room, rest] = file.slice('packages/core/src/'.length).split('/')
  if (rest === undefined) return ''
  const known = rooms.find((each) => each === room)
  if (known === undefined) throw new Error(`${file} is in no room of the core; add the room to test/house/core.test.ts in its place`)
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
