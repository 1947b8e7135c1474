/** What a SQLite store keeps beside the rows: whatever of it is changed on the disk is found when the file is opened. */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ProjectionError } from '@signalbox/projection'
import { openSqliteStore } from '@signalbox/projection-sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = mkdtempSync(join(tmpdir(), 'signalbox-metadata-'))
const whole = join(root, 'whole')
let copies = 0

function copy(): string {
  const directory = join(root, `copy-${++copies}`)
  cpSync(whole, directory, { recursive: true })
  return directory
}

const parked = {
  partition: 0,
  logOffset: 3,
  reference: '0/3/0',
  key: 'k',
  event: { type: 'x' } as never,
  cause: 'broken',
  stack: null,
  behind: null,
}

beforeAll(async () => {
  const store = openSqliteStore({ directory: whole })
  const writer = (await store.own('orders', 1))!
  const wanted = { version: 1, fingerprint: 'f', tables: ['rows'], partitionCount: 2, reactFrom: [0, 0] }
  const { generation } = await writer.createGeneration(wanted)
  const position = { logOffset: 4, chainOffset: 3, link: 'link' }
  const mutations = [{ table: 'rows', key: 'a', text: '{}' }]
  await writer.commit({ generation, partition: 0, fromOffset: 0, position, mutations, parked: [parked] })
  await writer.reacted(1, 7)
  const id = await store.ask('orders', 'rebuild', null)
  await writer.settle(id, 'done', 'built')
  await store.ask('orders', 'rebuild', 'x')
  await writer.createGeneration({ ...wanted, version: 2 })
  await writer.putInFront({ before: 2, partitionCount: 1, reactFrom: 0 })
  await store.close()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function change(directory: string, sql: string): number {
  const database = new DatabaseSync(join(directory, 'projections.db'))
  const { changes } = database.prepare(sql).run()
  database.close()
  return Number(changes)
}

async function opensWhole(directory: string): Promise<boolean> {
  try {
    await openSqliteStore({ directory }).close()
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(ProjectionError)
    expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringMatching('does not match') })
    return false
  }
}

const columns: readonly (readonly [string, string])[] = [
  ...['name', 'live', 'next_generation'].map((column) => ['projection', column] as const),
  ...['name', 'epoch'].map((column) => ['owner', column] as const),
  ...['projection', 'generation', 'version', 'fingerprint', 'tables', 'state', 'created_ms'].map(
    (column) => ['generation', column] as const,
  ),
  ...['projection', 'generation', 'part', 'log_offset', 'chain_offset', 'link'].map((column) => ['position', column] as const),
  ...['sequence', 'part', 'log_offset', 'reference', 'key', 'event', 'cause', 'stack', 'announced', 'parked_ms'].map(
    (column) => ['parked', column] as const,
  ),
  ...['projection', 'part', 'log_offset'].map((column) => ['reaction', column] as const),
  ...['id', 'kind', 'argument', 'state', 'message'].map((column) => ['request', column] as const),
  ...['of_table', 'key', 'checksum'].map((column) => ['metadata_check', column] as const),
]

test('whole, it is opened as often as one likes', async () => {
  const directory = copy()
  for (let time = 0; time < 3; time++) expect(await opensWhole(directory)).toBe(true)
})

describe.each(columns)('%s.%s', (table, column) => {
  test('changed by one bit is found', async () => {
    const directory = copy()
    const flipped = `CASE typeof(${column}) WHEN 'integer' THEN (${column} | 1024) - (${column} & 1024) WHEN 'text' THEN
      char(unicode(${column}) + 1) || substr(${column}, 2) ELSE 'x' END`
    // Of a table without row ids, the smallest is taken.
    const last =
      table === 'metadata_check'
        ? `(of_table, key) = (SELECT of_table, key FROM metadata_check LIMIT 1)`
        : `rowid = (SELECT max(rowid) FROM ${table})`
    expect(change(directory, `UPDATE ${table} SET ${column} = ${flipped} WHERE ${last}`)).toBe(1)
    expect(await opensWhole(directory)).toBe(false)
  })
})

test.each([...new Set(columns.map(([table]) => table))])('a row that is gone from %s is found', async (table) => {
  const directory = copy()
  const condition = table === 'metadata_check' ? "of_table = 'position'" : `rowid = (SELECT min(rowid) FROM ${table})`
  expect(change(directory, `DELETE FROM ${table} WHERE ${condition}`)).toBeGreaterThan(0)
  expect(await opensWhole(directory)).toBe(false)
})

test('who owns projections sets the file aside, and begins anew', async () => {
  const directory = copy()
  change(directory, 'UPDATE position SET log_offset = log_offset + 1')
  const told: string[] = []
  const store = openSqliteStore({ directory, setAside: (message) => void told.push(message) })
  expect(told).toEqual([expect.stringContaining('a row in the table position does not match')])
  expect(readdirSync(directory).some((name) => name.startsWith('projections.db.damaged-'))).toBe(true)
  expect(existsSync(join(directory, 'projections.db'))).toBe(true)
  expect(await store.projections()).toEqual([])
  await store.close()
})

test('the file of an earlier release gets its checksums', async () => {
  const directory = copy()
  change(directory, 'DROP TABLE metadata_check')
  expect(await opensWhole(directory)).toBe(true)
  change(directory, 'UPDATE position SET log_offset = log_offset + 1')
  expect(await opensWhole(directory)).toBe(false)
})
