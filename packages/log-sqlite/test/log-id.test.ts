/** The id of a log of an earlier release, which had none. */
import { DatabaseSync } from 'node:sqlite'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { expect, it } from 'vitest'
import { databaseFile } from '../src/database.ts'
import { temporaryDirectory } from './support.ts'

async function readId(directory: string): Promise<string> {
  const reader = await openSqliteLogReader({ directory })
  await reader.close()
  return reader.id
}

async function logWithoutId(): Promise<string> {
  const directory = await temporaryDirectory()
  await (await openSqliteLog({ directory })).close()
  const database = new DatabaseSync(databaseFile(directory))
  database.exec("DELETE FROM settings WHERE name LIKE 'log_id%'")
  database.exec("DELETE FROM settings WHERE name = 'checksum'; PRAGMA user_version = 1")
  database.close()
  return directory
}

it('is named by its place where it is only read, the same each time', async () => {
  const [one, other] = [await logWithoutId(), await logWithoutId()]
  expect(await readId(one)).toMatch(/^sqlite-unnamed-/)
  expect(await readId(one)).toBe(await readId(one))
  expect(await readId(one)).not.toBe(await readId(other))
})

it('is given by its owner, and stays', async () => {
  const directory = await logWithoutId()
  const log = await openSqliteLog({ directory })
  await log.close()
  expect(log.id).toMatch(/^sqlite-[0-9a-f]{24}$/)
  expect(await readId(directory)).toBe(log.id)
})
