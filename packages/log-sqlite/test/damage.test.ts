import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isLogError, type LogReader } from '@signalbox/log'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { describe, expect, it } from 'vitest'
import { copyOf, events, failureOf, openWriter, readAll, record, temporaryDirectory, textOf } from './support.ts'

const RECORDS = 400

/** A closed log with records enough to fill many pages. */
async function writtenLog(): Promise<string> {
  const directory = await temporaryDirectory()
  const log = await openSqliteLog({ directory, partitionCount: 2 })
  const writer = await openWriter(log)
  for (let index = 0; index < RECORDS; index += 40) {
    const texts = Array.from({ length: 40 }, (_, part) => `event ${index + part} ${'.'.repeat(500)}`)
    await Promise.all([log.append(0, record(`intent ${index}`)), writer.append(events(...texts))])
  }
  await log.close()
  return directory
}

async function flipByte(file: string, position: number): Promise<void> {
  const handle = await open(file, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, position)
  byte[0]! ^= 0x40
  await handle.write(byte, 0, 1, position)
  await handle.close()
}

/** Reads everything; the texts, or the error's code and message. */
async function readEverything(
  open: () => Promise<LogReader>,
): Promise<readonly string[] | { readonly code: string; readonly message: string }> {
  let log: LogReader | undefined
  try {
    log = await open()
    return [...(await readAll(log, 'intents')), ...(await readAll(log, 'events'))].map(textOf)
  } catch (error) {
    if (isLogError(error)) return { code: error.code, message: error.message }
    throw error
  } finally {
    await log?.close()
  }
}

describe('a damaged file', { timeout: 30_000 }, () => {
  it('is named, wherever a bit flips: never is a wrong record delivered', async () => {
    const directory = await writtenLog()
    const sound = await readEverything(() => openSqliteLogReader({ directory }))
    expect(sound).toHaveLength(RECORDS + RECORDS / 40)
    const { size } = await stat(join(directory, 'log.db'))
    let noticed = 0
    for (let position = 50; position < size; position += Math.floor(size / 60)) {
      const copy = await copyOf(directory)
      await flipByte(join(copy, 'log.db'), position)
      const found = await readEverything(() => openSqliteLogReader({ directory: copy }))
      // A bit in unused space, or one that changes nothing that is read, does no harm.
      if (Array.isArray(found)) expect(found).toEqual(sound)
      else {
        expect(found).toMatchObject({
          code: expect.stringMatching(/^(CORRUPT|MISCONFIGURED)$/),
          message: expect.stringContaining('log.db'),
        })
        noticed += 1
      }
    }
    expect(noticed).toBeGreaterThan(30)
  })

  it('is refused by its owner too, with the check that failed and what to do', async () => {
    const directory = await writtenLog()
    const file = join(directory, 'log.db')
    const position = (await readFile(file)).lastIndexOf('event 200 ')
    await flipByte(file, position)
    const log = await openSqliteLog({ directory })
    const failure = await failureOf(readAll(log, 'events'))
    expect(failure.code).toBe('CORRUPT')
    expect(failure.message).toMatch(/log\.db is damaged: in events\/0 the checksum \(CRC-32\) of the record at offset 200 does not match/)
    expect(failure.message).toContain('restore it from a copy')
    await log.close()
  })

  it.each([
    ['cut in half', async (file: string) => truncate(file, Math.floor((await stat(file)).size / 2))],
    ['emptied', (file: string) => truncate(file, 0)],
    ['overwritten with text', (file: string) => writeFile(file, 'hello '.repeat(10_000))],
    ['removed', (file: string) => rm(file)],
  ])('is noticed when %s, and left as it is', async (_, damage) => {
    const directory = await writtenLog()
    const file = join(directory, 'log.db')
    await damage(file)
    const before = await readFile(file).catch(() => 'not there')
    const failure = await failureOf(openSqliteLog({ directory }))
    expect(failure.code).toBe('CORRUPT')
    expect(failure.message).toContain(file)
    expect(await readFile(file).catch(() => 'not there')).toEqual(before)
  })

  it('is noticed when a row is missing', async () => {
    const directory = await writtenLog()
    const database = new DatabaseSync(join(directory, 'log.db'))
    database.exec('DELETE FROM events WHERE id = 120')
    database.close()
    const log = await openSqliteLogReader({ directory })
    const failure = await failureOf(readAll(log, 'events'))
    expect(failure.message).toContain('in events/0 the records from offset 120 on are missing')
    const inTheGap = await log.cursor({ topic: 'events', partition: 0, fromOffset: 130 })
    expect((await failureOf(inTheGap.next({ maxRecords: 1, maxBytes: 1, waitMs: 0 }))).code).toBe('CORRUPT')
    await log.close()
  })
})

describe('a log that does not fit', () => {
  it.each([
    ['another format version', 'PRAGMA user_version = 4', /format version 4; this release reads versions 1 to 3/],
    ["another program's database", 'PRAGMA application_id = 7', /another program/],
  ])('is refused: %s', async (_, change, message) => {
    const directory = await writtenLog()
    const database = new DatabaseSync(join(directory, 'log.db'))
    database.exec(change)
    database.close()
    for (const failure of [await failureOf(openSqliteLog({ directory })), await failureOf(openSqliteLogReader({ directory }))]) {
      expect(failure.code).toBe('MISCONFIGURED')
      expect(failure.message).toMatch(message)
    }
  })

  it('is refused with another partition count, and opens without one', async () => {
    const directory = await writtenLog()
    const failure = await failureOf(openSqliteLog({ directory, partitionCount: 3 }))
    expect(failure.code).toBe('MISCONFIGURED')
    expect(failure.message).toContain('has 2 partition(s), not 3')
    const log = await openSqliteLog({ directory })
    expect(log.partitionCount).toBe(2)
    await log.close()
  })

  it.each([0, -1, 1.5, 5_000])('is not made with %d partitions', async (partitionCount) => {
    const directory = await temporaryDirectory()
    expect((await failureOf(openSqliteLog({ directory, partitionCount }))).code).toBe('MISCONFIGURED')
  })

  it('is not there for a reader before its owner has made it', async () => {
    const directory = await temporaryDirectory()
    const failure = await failureOf(openSqliteLogReader({ directory }))
    expect(failure.code).toBe('MISCONFIGURED')
    expect(failure.message).toContain('Start its owner first')
  })
})
