/** The index of events by names: held against a list, over segments and restarts; and a log that has none yet. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Log } from '@signalbox/log'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { openSqliteLog, openSqliteLogReader } from '../src/index.ts'
import { hashOf } from '../src/name-hash.ts'

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-index-'))
  directories.push(directory)
  return directory
}

const recordOf = (text: string, indexKeys?: readonly string[]) => ({
  key: 'scope',
  value: Buffer.from(text),
  headers: {},
  ...(indexKeys === undefined ? {} : { indexKeys }),
})

async function append(log: Log, partition: number, batch: readonly (readonly string[])[]): Promise<void> {
  const writer = await log.open({ partition, generation: 1, signal: new AbortController().signal })
  await writer.append({ events: batch.map((names, index) => recordOf(`${index}`, names)), deadLetters: [] })
  await writer.close()
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        partition: fc.nat(1),
        batch: fc.array(fc.array(fc.constantFrom(...'abcdefgh'), { maxLength: 3 }), { minLength: 1, maxLength: 12 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  ),
  { minLength: 5, maxLength: 25 },
)

describe('the index', () => {
  it('gives what a list of all names gives, whatever lies in segments and whenever its owner was restarted', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const directory = newDirectory()
        const open = () => openSqliteLog({ directory, partitionCount: 2, segmentNames: 16 })
        let log = await open()
        const named: (readonly string[])[][] = [[], []]
        for (const step of all) {
          if (step === 'restart') {
            await log.close()
            log = await open()
            continue
          }
          await append(log, step.partition, step.batch)
          named[step.partition]!.push(...step.batch)
        }
        const reader = await openSqliteLogReader({ directory })
        for (const [partition, names] of named.entries()) {
          for (const key of 'abcdefghi') {
            for (let before = 0; before <= names.length; before++) {
              const expected = names.findLastIndex((each, index) => index < before && each.includes(key))
              for (const source of [log, reader]) {
                const found = await source.index!.lastWith(partition, key, before)
                expect(found).toEqual({ offset: expected < 0 ? null : expected, since: 0 })
              }
            }
          }
        }
        await reader.close()
        await log.close()
      }),
      { numRuns: 12 },
    )
  })

  it('says from where on it knows, for a log that an earlier release made', async () => {
    const directory = newDirectory()
    const log = await openSqliteLog({ directory })
    await append(log, 0, [['old'], ['old']])
    await log.close()
    // As an earlier release left it.
    const database = new DatabaseSync(join(directory, 'log.db'))
    database.exec("DROP TABLE event_index; ALTER TABLE events DROP COLUMN names; DELETE FROM settings WHERE name LIKE 'named_since/%'")
    database.exec("DELETE FROM settings WHERE name = 'checksum'; PRAGMA user_version = 1")
    for (const table of ['intents', 'events', 'dead_letters']) database.exec(`ALTER TABLE ${table} DROP COLUMN checksum`)
    database.close()
    const before = await openSqliteLogReader({ directory })
    expect(await before.index!.lastWith(0, 'old', 99)).toEqual({ offset: null, since: 2 })
    await before.close()
    const upgraded = await openSqliteLog({ directory })
    await append(upgraded, 0, [['new']])
    expect(await upgraded.index!.lastWith(0, 'new', 99)).toEqual({ offset: 2, since: 2 })
    expect(await upgraded.index!.lastWith(0, 'old', 99)).toEqual({ offset: null, since: 2 })
    await assert.rejects(upgraded.index!.lastWith(7, 'new', 99), /no events\/7/)
    await upgraded.close()
  })

  it('spreads names over all hashes', () => {
    const buckets = new Array<number>(64).fill(0)
    for (let index = 0; index < 64_000; index++) buckets[hashOf(`hotel\u0000night/A:2030-01-${index}`) >>> 26]!++
    expect(Math.min(...buckets)).toBeGreaterThan(800)
    expect(Math.max(...buckets)).toBeLessThan(1_200)
  })
})
