/** How rooms hang together: one way, by no more than what is used, and an author of read models by next to nothing. */
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { files, importsOf, read, sources } from './files.ts'
import { allowedOf, reachedFrom, roomOf, rooms } from './layers.ts'

const isShipped = /^(?:(?:packages|services)\/[^/]+\/src|infra)\//
const shipped = new Map(sources.filter((file) => isShipped.test(file)).map((file) => [file, importsOf(file)]))

/** The rooms that a room's sources import. */
function importedBy(room: string): ReadonlySet<string> {
  const own = [...shipped].filter(([file]) => roomOf(file) === room)
  const targets = own.flatMap(([file, imports]) =>
    imports.flatMap((imported) => {
      const name = /^@signalbox\/([a-z-]+)/.exec(imported)?.[1]
      if (name !== undefined) return [`packages/${name}`, `services/${name}`]
      return imported.startsWith('.') ? [roomOf(normalize(join(dirname(file), imported)))] : []
    }),
  )
  return new Set(targets)
}

/** `pg`, `@signalbox/projection`: of what is imported, the package. */
const packageName = /^(?:@[^/]+\/)?[^/]+/

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const manifests: ReadonlyMap<string, Manifest> = new Map(
  files
    .filter((file) => /^(?:packages|services)\/[^/]+\/package\.json$/.test(file))
    .map((file) => JSON.parse(read(file)) as Manifest)
    .map((manifest) => [manifest.name, manifest]),
)

/** What installing a package brings along: packages of ours, and what they name of others. */
function broughtBy(name: string, brought = new Set<string>()): ReadonlySet<string> {
  for (const dependency of Object.keys(manifests.get(name)?.dependencies ?? {})) {
    if (brought.has(dependency)) continue
    brought.add(dependency)
    broughtBy(dependency, brought)
  }
  return brought
}

describe('the rooms', () => {
  it('none leads back to itself', () => {
    expect(rooms.filter((room) => reachedFrom(room).has(room))).toEqual([])
  })

  it('a planted circle of rooms is noticed', () => {
    expect(reachedFrom('a', { a: ['b'], b: ['c'], c: ['a'] })).toContain('a')
  })

  it('none may import a room that it does not', () => {
    const unused = rooms.flatMap((room) => {
      const imported = importedBy(room)
      return allowedOf(room)
        .filter((each) => !imported.has(each))
        .map((each) => `${room} imports nothing of ${each}`)
    })
    expect(unused).toEqual([])
  })

  it('each of ours that a package depends on is imported by its sources', () => {
    const idle = rooms.flatMap((room) => {
      const manifest = [...manifests.values()].find(({ name }) => name === `@signalbox/${room.split('/')[1]}`)
      const imported = new Set([...importedBy(room)].map((each) => `@signalbox/${each.split('/')[1]}`))
      return Object.keys(manifest?.dependencies ?? {})
        .filter((name) => name.startsWith('@signalbox/') && !imported.has(name))
        .map((name) => `${room} depends on ${name} and imports nothing of it`)
    })
    expect(idle).toEqual([])
  })

  it('what the sources of a package import, it depends on', () => {
    const missing = [...shipped].flatMap(([file, imports]) => {
      const manifest = manifests.get(`@signalbox/${roomOf(file).split('/')[1]}`)
      // A suite for adapters runs where vitest does: in their tests.
      if (manifest === undefined || file.includes('/conformance/')) return []
      const packages = imports.filter((imported) => !/^(?:\.|node:)/.test(imported)).map((imported) => packageName.exec(imported)![0])
      return packages
        .filter((name) => name !== manifest.name && manifest.dependencies?.[name] === undefined)
        .map((name) => `${file} imports ${name}`)
    })
    expect(missing).toEqual([])
  })

  it.each<[string, readonly string[]]>([
    ['@signalbox/contract', ['zod']],
    ['@signalbox/projection', ['@signalbox/contract', 'zod']],
    ['@signalbox/projection-store', ['@signalbox/contract', '@signalbox/projection', 'zod']],
  ])('who installs %s gets %j with it', (name, brought) => {
    expect([...broughtBy(name)].sort()).toEqual([...brought])
  })

  it.each([
    ['@signalbox/event-log', '@signalbox/core'],
    ['@signalbox/dead-letters', '@signalbox/core'],
    ['@signalbox/escalation', '@signalbox/core'],
    ['@signalbox/process-manager', '@signalbox/core'],
    ['@signalbox/projection-host', '@signalbox/core'],
    ['@signalbox/projection-host', 'pg'],
    ['@signalbox/projector', '@signalbox/core'],
    ['@signalbox/projector', 'pg'],
    ['@signalbox/projection-sqlite', 'pg'],
    ['@signalbox/sequencer', '@signalbox/replay'],
    ['@signalbox/gateway', '@signalbox/replay'],
    ['@signalbox/generation', '@signalbox/replay'],
  ])('%s does without %s', (name, other) => {
    expect(manifests.has(name)).toBe(true)
    expect(broughtBy(name)).not.toContain(other)
  })
})
