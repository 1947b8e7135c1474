/** A damaged index of names: answers stay right, and its owner makes what is damaged anew from the names beside the events. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { openSqliteLog, openSqliteLogReader } from '../src/index.ts'

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

const keys = 'abcdefghij'
const count = 120
const keyOf = (offset: number) => keys[(offset * 7) % keys.length]!
const lastWith = (key: string, end: number) =>
  Array.from({ length: end }, (_, offset) => offset).findLast((offset) => keyOf(offset) === key) ?? null

type Rows = readonly Record<string, unknown>[]

async function make(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-repair-'))
  directories.push(directory)
  await append(directory, 0, count)
  return directory
}

const open = (directory: string) => openSqliteLog({ directory, partitionCount: 2, segmentNames: 16 })

/** Ten events a batch, one name each. */
async function append(directory: string, from: number, until: number): Promise<void> {
  const log = await open(directory)
  const writer = await log.open({ partition: 1, generation: 1, signal: new AbortController().signal })
  for (let first = from; first < until; first += 10) {
    const events = Array.from({ length: 10 }, (_, index) => ({
      key: 'scope',
      value: Buffer.from(`${first + index}`),
      headers: {},
      indexKeys: [keyOf(first + index)],
    }))
    await writer.append({ events, deadLetters: [] })
  }
  await writer.close()
  await log.close()
}

function change(directory: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(join(directory, 'log.db'))
  for (const sql of statements) expect(Number(database.prepare(sql).run().changes), sql).toBeGreaterThan(0)
  database.close()
}

function rowsOf(directory: string): Rows {
  const database = new DatabaseSync(join(directory, 'log.db'), { readOnly: true })
  const rows = database.prepare('SELECT * FROM event_index ORDER BY partition, bucket, last').all()
  database.close()
  return rows
}

async function prove(directory: string): Promise<string> {
  const reader = await openSqliteLogReader({ directory })
  try {
    await reader.index!.prove(1)
    return 'whole'
  } catch (error) {
    return (error as Error).message
  } finally {
    await reader.close()
  }
}

/** Asks until nothing is read in place of the index; every answer on the way is right. */
async function askUntilWhole(directory: string, end: number): Promise<boolean> {
  const log = await open(directory)
  try {
    for (let round = 0; round < 200; round++) {
      let since = 0
      // The last is of no event: what is asked of it goes down to the first.
      for (const key of [...keys, 'none']) {
        const found = await log.index!.lastWith(1, key, end)
        const right = lastWith(key, end)
        expect(found.offset).toBe(right !== null && right >= found.since ? right : null)
        // As deep as there is.
        since = Math.max(since, (await log.index!.lastWith(1, key, 8)).since, found.since)
      }
      if (since === 0) return true
      await pause(5)
    }
    return false
  } finally {
    await log.close()
  }
}

const anyBlob = 'length(names) > 4'
const damages: readonly (readonly [string, readonly string[]])[] = [
  ['a flipped bit in a row', [`UPDATE event_index SET names = CAST(X'ff' || substr(names, 2) AS BLOB) WHERE ${anyBlob}`]],
  ['a row that is cut off', [`UPDATE event_index SET names = substr(names, 1, length(names) - 4) WHERE ${anyBlob}`]],
  ['a row without names', ["UPDATE event_index SET names = X''"]],
  ['rows that begin elsewhere', ['UPDATE event_index SET first = first + 1']],
  ['rows that end elsewhere', ['UPDATE event_index SET last = last - 1 WHERE bucket > 0']],
  ['rows of a segment that are gone', ['DELETE FROM event_index WHERE first = (SELECT min(first) FROM event_index)']],
  [
    'a segment in the middle that is gone',
    ['DELETE FROM event_index WHERE first = (SELECT DISTINCT first FROM event_index ORDER BY first LIMIT 1 OFFSET 2)'],
  ],
  ['rows of another partition', ['INSERT INTO event_index SELECT 1, bucket, last + 3, first, names FROM event_index']],
  [
    'rows of events that are not there',
    ['INSERT INTO event_index SELECT partition, bucket, last + 1000000, first + 1000000, names FROM event_index'],
  ],
]

test.each(damages)('%s is made anew', async (_what, statements) => {
  const directory = await make()
  const before = rowsOf(directory)
  expect(before.length).toBeGreaterThan(64)
  change(directory, ...statements)
  expect(await prove(directory)).toContain('index of names')
  expect(await askUntilWhole(directory, count)).toBe(true)
  expect(rowsOf(directory)).toEqual(before)
  expect(await prove(directory)).toBe('whole')
  // And it goes on.
  await append(directory, count, count + 40)
  expect(await askUntilWhole(directory, count + 40)).toBe(true)
  expect(await prove(directory)).toBe('whole')
})

test('names beside the events that are damaged too are not made anew, and nothing is tried for ever', async () => {
  const directory = await make()
  change(
    directory,
    `UPDATE event_index SET names = X''`,
    "UPDATE events SET names = CAST(X'ff' || substr(names, 2) AS BLOB) WHERE id % 1099511627776 = 30",
  )
  const before = rowsOf(directory)
  const log = await open(directory)
  for (let round = 0; round < 20; round++) {
    expect((await log.index!.lastWith(1, 'a', 8)).since).toBeGreaterThan(0)
    expect((await log.index!.lastWith(1, 'a', count)).since).toBeGreaterThan(0)
    await pause(2)
  }
  await log.close()
  // What comes before the damage is made anew.
  expect(rowsOf(directory).length).toBe(before.length)
  expect(await prove(directory)).toContain('index of names')
})
