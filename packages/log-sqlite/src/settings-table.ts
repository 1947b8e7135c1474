/** The table `settings` of a log: a few numbers by name, and a checksum over all of them. */
import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'

const CHECKSUM = 'checksum'

export function createSettings(database: DatabaseSync): void {
  database.exec('CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID')
}

export type SettingValues = ReadonlyMap<string, number>

/** Undefined when they do not fit their checksum. `isSealed` is false for a log that an earlier release wrote: it has none. */
export function readSettings(database: DatabaseSync, isSealed: boolean): SettingValues | undefined {
  const values = new Map(
    database
      .prepare('SELECT name, value FROM settings')
      .all()
      .map(({ name, value }) => [String(name), Number(value)] as const),
  )
  return !isSealed || values.get(CHECKSUM) === checksumOf(values) ? values : undefined
}

/** Inside a transaction. */
export function writeSettings(database: DatabaseSync, changed: SettingValues): void {
  const put = database.prepare('INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
  for (const [name, value] of changed) put.run(name, value)
  put.run(CHECKSUM, checksumOf(readSettings(database, false)!))
}

function checksumOf(values: SettingValues): number {
  const lines = [...values].filter(([name]) => name !== CHECKSUM).map(([name, value]) => `${name}=${value}\n`)
  return crc32(lines.sort().join(''))
}
