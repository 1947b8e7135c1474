import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { describe, expect, it } from 'vitest'
import { copyOf, failureOf, readAll, record, temporaryDirectory, textOf } from './support.ts'

/** Starts, takes a record, stops, and is read. */
async function startsAndServes(directory: string): Promise<void> {
  const log = await openSqliteLog({ directory })
  const { offset } = await log.append(0, record('first'))
  const kept = await readAll(log, 'intents')
  expect(textOf(kept[offset]!)).toBe('first')
  await log.close()
  const reader = await openSqliteLogReader({ directory })
  expect(await readAll(reader, 'intents')).toEqual(kept)
  await reader.close()
}

/** As a reader finds it: a log, or none yet. Anything else is a fault. */
async function readerFinds(directory: string): Promise<string> {
  try {
    await (await openSqliteLogReader({ directory })).close()
    return 'a log'
  } catch (error) {
    return (error as Error).message.includes('Start its owner first') ? 'none yet' : (error as Error).message
  }
}

/** The files while SQLite is at its first transaction, before it has ended: with a rollback journal that must be played back. */
async function withHotJournal(): Promise<string> {
  const directory = await temporaryDirectory()
  const database = new DatabaseSync(join(directory, 'log.db'))
  // A small cache writes the pages out at once.
  database.exec('PRAGMA cache_size = 1; BEGIN; CREATE TABLE filling (bytes BLOB)')
  for (let row = 0; row < 50; row++) database.exec('INSERT INTO filling VALUES (randomblob(3000))')
  const copy = await copyOf(directory)
  database.close()
  expect(await readdir(copy)).toContain('log.db-journal')
  return copy
}

type Leftovers = readonly (readonly [string, string | Uint8Array])[]
const nothing: Leftovers = [['log.db', '']]

describe('a first start that was killed', { timeout: 60_000 }, () => {
  it('is undone where a rollback journal is left, and a reader waits for that', async () => {
    const directory = await withHotJournal()
    expect(await readerFinds(directory)).toBe('none yet')
    await startsAndServes(directory)
    expect(await readdir(directory)).not.toContain('log.db-journal')
  })

  it('is undone with the journal of the change to the write-ahead log, which a worker is killed in', async () => {
    const directory = await temporaryDirectory()
    const database = new DatabaseSync(join(directory, 'log.db'))
    database.exec('PRAGMA cache_size = 1; BEGIN EXCLUSIVE; PRAGMA user_version = 7; CREATE TABLE one (a)')
    const copy = await copyOf(directory)
    database.close()
    expect(['none yet', 'a log']).toContain(await readerFinds(copy))
    await startsAndServes(copy)
  })

  it.each<readonly [string, Leftovers]>([
    ['an empty folder', []],
    ['an empty database', nothing],
    ['an empty database with an empty journal', [...nothing, ['log.db-journal', '']]],
    ['an empty database with a journal of zeros', [...nothing, ['log.db-journal', new Uint8Array(4_096)]]],
    ['an empty database with a journal that is no journal', [...nothing, ['log.db-journal', 'what is this'.repeat(100)]]],
    ['a journal alone', [['log.db-journal', 'what is this'.repeat(100)]]],
    ['an empty database with an empty write-ahead log', [...nothing, ['log.db-wal', '']]],
    ['an empty database with a write-ahead log that is none', [...nothing, ['log.db-wal', 'w'.repeat(9_000)]]],
    ['an empty database with shared memory', [...nothing, ['log.db-shm', new Uint8Array(32_768)]]],
    ['an empty database with all of them', [...nothing, ['log.db-wal', ''], ['log.db-shm', ''], ['log.db-journal', '']]],
    [
      'a write-ahead log and shared memory alone',
      [
        ['log.db-wal', ''],
        ['log.db-shm', ''],
      ],
    ],
    ['an empty lock', [['owner.lock', '']]],
    [
      'a lock with a journal',
      [
        ['owner.lock', ''],
        ['owner.lock-journal', ''],
      ],
    ],
    ['an owner that is half written', [...nothing, ['owner.json', '{"pid":']]],
    ['an owner that was being written', [...nothing, ['owner.json.new', '{"pid":'], ['owner.json.1.part', '{"pid":']]],
    ['an empty count of what was acknowledged', [...nothing, ['acknowledged', '']]],
    ['a half-written count of what was acknowledged', [...nothing, ['acknowledged', new Uint8Array(5)]]],
  ])('starts over %s', async (_, leftovers) => {
    const directory = await temporaryDirectory()
    for (const [name, content] of leftovers) await writeFile(join(directory, name), content)
    expect(await readerFinds(directory)).toBe('none yet')
    await startsAndServes(directory)
  })

  it('starts wherever it was killed', { timeout: 180_000 }, async () => {
    const script = join(import.meta.dirname, 'append-forever.ts')
    const states = new Set<string>()
    const deadly = ['--import', join(import.meta.dirname, 'dies-at.ts')]
    const firstOf = (kind: string, count: number) => Array.from({ length: count }, (_, index) => [kind, index + 1] as const)
    const moments = [...firstOf('files', 6), ...firstOf('sqlite', 24)]
    for (const [kind, moment] of moments) {
      const directory = await temporaryDirectory()
      const env = { ...process.env, DIES_AT: `${moment}`, DIES_IN: directory, DIES_OF: kind }
      const child = spawn(process.execPath, [...deadly, script, directory], { stdio: 'ignore', env })
      // Where it makes no more such calls than that, it has started.
      const tooLong = setTimeout(() => child.kill('SIGKILL'), 3_000)
      await once(child, 'exit')
      clearTimeout(tooLong)
      const left = (await readdir(directory)).sort()
      states.add(left.join(' '))
      // What is left is what the next start finds, and the one after a copy of it.
      const copy = await temporaryDirectory()
      await mkdir(copy, { recursive: true })
      for (const name of left) await copyFile(join(directory, name), join(copy, name))
      for (const place of [directory, copy]) {
        expect(['none yet', 'a log']).toContain(await readerFinds(place))
        await startsAndServes(place)
      }
    }
    expect([...states].length, [...states].join('\n')).toBeGreaterThan(2)
  })

  it('with another file in place of the lock is a sentence that names it', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'owner.lock'), 'what is this'.repeat(1_000))
    const failure = await failureOf(openSqliteLog({ directory }))
    expect(failure).toMatchObject({ code: 'MISCONFIGURED', message: expect.stringContaining('owner.lock') })
    await rm(join(directory, 'owner.lock'))
    await startsAndServes(directory)
  })

  it('does not take a log that was used for one that was never made', async () => {
    const directory = await temporaryDirectory()
    await startsAndServes(directory)
    await truncate(join(directory, 'log.db'), 0)
    await writeFile(join(directory, 'log.db-journal'), '')
    expect((await failureOf(openSqliteLog({ directory }))).code).toBe('CORRUPT')
  })
})
