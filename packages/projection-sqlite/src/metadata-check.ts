/**
 * Checksums of what a SQLite store keeps beside the rows, in a table of their own. Triggers of the writing connection keep them: so no
 * statement has to know of them. A flipped bit is found when the file is opened.
 */
import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'

const tables = ['projection', 'owner', 'generation', 'position', 'parked', 'reaction', 'request'] as const

interface Columns {
  readonly all: readonly string[]
  readonly key: readonly string[]
}

function columnsOf(database: DatabaseSync, table: string): Columns {
  const rows = database.prepare('SELECT name, pk FROM pragma_table_info(?) ORDER BY cid').all(table)
  return { all: rows.map(({ name }) => `${name}`), key: rows.filter(({ pk }) => Number(pk) > 0).map(({ name }) => `${name}`) }
}

/** As JSON, which keeps a number, a text and nothing apart. */
function listOf(row: string, columns: readonly string[]): string {
  return `json_array(${columns.map((column) => `${row}.${column}`).join(', ')})`
}

function entryOf(table: string, row: string, { all, key }: Columns): string {
  return `'${table}', ${listOf(row, key)}, signalbox_checksum(${listOf(row, all)})`
}

/**
 * In a transaction, with all tables there: what is damaged, for a message; null where nothing is. The file of an earlier release gets
 * its checksums.
 */
export function checkMetadata(database: DatabaseSync): string | null {
  database.function('signalbox_checksum', { deterministic: true }, (text) => crc32(`${text}`))
  const isNew = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'metadata_check'").get() === undefined
  database.exec(
    'CREATE TABLE IF NOT EXISTS metadata_check (of_table TEXT NOT NULL, key TEXT NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (of_table, key)) STRICT, WITHOUT ROWID',
  )
  const damaged = tables.find((table) => {
    const columns = columnsOf(database, table)
    if (isNew) database.exec(`INSERT INTO metadata_check SELECT ${entryOf(table, table, columns)} FROM ${table}`)
    return !isWhole(database, table, columns)
  })
  return damaged === undefined ? null : `the checksum of a row in the table ${damaged} does not match`
}

function isWhole(database: DatabaseSync, table: string, columns: Columns): boolean {
  // As many as there are, and each with its own: so none is missing either.
  const row = database
    .prepare(
      `SELECT (SELECT count(*) FROM ${table}) AS rows, (SELECT count(*) FROM metadata_check WHERE of_table = '${table}') AS checks,
         (SELECT count(*) FROM ${table} JOIN metadata_check ON of_table = '${table}' AND metadata_check.key = ${listOf(table, columns.key)}
          AND checksum = signalbox_checksum(${listOf(table, columns.all)})) AS whole`,
    )
    .get()!
  return row.rows === row.checks && row.rows === row.whole
}

/** Of a connection that writes. They are no part of the file, so that other programs can read it as it is. */
export function keepMetadataChecked(database: DatabaseSync): void {
  for (const table of tables) {
    const columns = columnsOf(database, table)
    const forget = `DELETE FROM metadata_check WHERE of_table = '${table}' AND key = ${listOf('OLD', columns.key)};`
    const note = `INSERT OR REPLACE INTO metadata_check VALUES (${entryOf(table, 'NEW', columns)});`
    for (const [event, statements] of [
      ['INSERT', note],
      ['UPDATE', `${forget} ${note}`],
      ['DELETE', forget],
    ] as const)
      database.exec(`CREATE TEMP TRIGGER check_${table}_${event} AFTER ${event} ON ${table} BEGIN ${statements} END`)
  }
}
