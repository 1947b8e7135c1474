import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineProjection } from '@signalbox/projection'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openProjectionStore, projectionsOf } from '../src/projections.ts'
import type { Settings } from '../src/settings.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-projections-'))
})
afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

function settings(config: Partial<NonNullable<Settings['config']>> = {}): Settings {
  const rest = { dataDirectory: directory, log: 'sqlite', url: 'http://127.0.0.1:7070', urlIsGiven: false, output: 'text' } as const
  return { configFile: 'signalbox.config.ts', file: null, keysDirectory: null, config: { contracts: [], ...config }, ...rest }
}

const own = (name: string) => defineProjection({ name, version: 1, tables: { rows: z.strictObject({}) }, changes: { '*': () => {} } })

describe('the projections of the settings', () => {
  it('are the shipped ones that are wanted, and those of the config', () => {
    const names = (config: Partial<NonNullable<Settings['config']>>) => projectionsOf(settings(config)).map(({ name }) => name)
    expect(names({})).toHaveLength(6)
    expect(names({ projector: { shipped: ['agents'] }, projections: [own('mine')] })).toEqual(['agents', 'mine'])
    expect(names({ projector: { shipped: [] }, projections: [own('agents')] })).toEqual(['agents'])
  })

  it.each([
    ['one that is not shipped', { projector: { shipped: ['nothing'] } }, /names nothing, which is not shipped/],
    ['a name that is taken', { projections: [own('agents')] }, /two projections are named agents/],
    ['a name that comes twice', { projections: [own('mine'), own('mine')] }, /two projections are named mine/],
    ['something else', { projections: [{ name: 'mine' }] }, /must be made by defineProjection/],
  ])('%s is refused', (_what, config, message) => {
    expect(() => projectionsOf(settings(config as never))).toThrow(message)
  })
})

describe('the store of the settings', () => {
  const open = (environment: NodeJS.ProcessEnv, config = {}, mustExist = false) =>
    openProjectionStore(settings(config), { variables: environment, mustExist })

  it('is SQLite in the data directory, where nothing else is said', async () => {
    await expect(open({}, {}, true)).rejects.toThrow('signalbox up makes them')
    const store = await open({})
    expect(store.name).toBe('sqlite')
    await store.close()
    await (await open({}, {}, true)).close()
    await (await open({ SIGNALBOX_PROJECTOR_STORE: '' })).close()
  })

  it.each<[string, NodeJS.ProcessEnv, object, RegExp]>([
    ['PostgreSQL without an address', {}, { projector: { store: 'postgres' } }, /set SIGNALBOX_PROJECTOR_STORE=postgres:/],
    ['an address of something else', { SIGNALBOX_PROJECTOR_STORE: 'mysql://u:secret@h/d' }, {}, /takes sqlite or postgres:/],
    ['a file that is not there', { SIGNALBOX_PROJECTOR_STORE_FILE: '/nowhere/store' }, {}, /SIGNALBOX_PROJECTOR_STORE_FILE: .*name a file/],
    ['a server that is away', { SIGNALBOX_PROJECTOR_STORE: 'postgres://u:secret@127.0.0.1:1/d' }, {}, /cannot be reached/],
  ])('%s is refused with what to do, and no secret', async (_what, environment, config, message) => {
    const error: Error = await open(environment, config).then(
      () => new Error('it was taken'),
      (refusal: Error) => refusal,
    )
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('secret')
  })

  it('may be named by a file', async () => {
    const file = join(directory, 'store')
    writeFileSync(file, 'sqlite\n')
    const store = await open({ SIGNALBOX_PROJECTOR_STORE_FILE: file }, { projector: { store: 'postgres' } })
    expect(store.name).toBe('sqlite')
    await store.close()
  })
})
