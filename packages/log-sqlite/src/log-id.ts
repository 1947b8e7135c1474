/** The id of a log: 96 random bits, made with the database and kept in its settings. */
import { createHash, randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

const rows = ['log_id_high', 'log_id_low'] as const
const rowBytes = 6

/** Unless it has one: a log that an earlier release made has none. */
export function giveLogId(database: DatabaseSync): void {
  const insert = database.prepare('INSERT OR IGNORE INTO settings VALUES (?, ?)')
  for (const row of rows) insert.run(row, randomBytes(rowBytes).readUIntBE(0, rowBytes))
}

/** For a copy that goes on as a log of its own. */
export function renewLogId(database: DatabaseSync): void {
  const replace = database.prepare('INSERT OR REPLACE INTO settings VALUES (?, ?)')
  for (const row of rows) replace.run(row, randomBytes(rowBytes).readUIntBE(0, rowBytes))
}

/** A log of an earlier release that is only read is named by its place, until its owner opens it. */
export function readLogId(database: DatabaseSync, file: string): string {
  const select = database.prepare('SELECT value FROM settings WHERE name = ?')
  const values = rows.map((row) => select.get(row)?.value)
  if (values.some((value) => value === undefined))
    return `sqlite-unnamed-${createHash('sha256')
      .update(file)
      .digest('hex')
      .slice(0, 4 * rowBytes)}`
  return `sqlite-${values
    .map((value) =>
      Number(value)
        .toString(16)
        .padStart(2 * rowBytes, '0'),
    )
    .join('')}`
}
