/** Opens a file of SQLite for reading, also where nothing can be written beside it. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'

/** The file cannot be read where it lies; the message says what to do. */
export class SqlitePlaceError extends Error {
  override readonly name = 'SqlitePlaceError'
}

const SQLITE_READONLY = 8
const SQLITE_CANTOPEN = 14
const SQLITE_READONLY_ROLLBACK = 776

/**
 * SQLite keeps shared memory beside the file while it reads it. Where it may not, the file is read as one that nobody changes: that is
 * so where no write-ahead log lies beside it, as every owner has one while it runs. Errors: SqlitePlaceError, and SQLite's.
 */
export function openSqliteToRead(file: string, busyTimeoutMs: number): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs })
  try {
    database.prepare('PRAGMA schema_version').get()
    return database
  } catch (error) {
    if (!isReadOnlyPlace(error)) return database
    database.close()
    if (existsSync(`${file}-wal`))
      throw new SqlitePlaceError(
        `${file} lies where nothing can be written, with a write-ahead log that is not in it yet. Copy the directory to where it can be written, and read it there.`,
        { cause: error },
      )
  }
  const url = pathToFileURL(file)
  url.searchParams.set('immutable', '1')
  return new DatabaseSync(url, { readOnly: true })
}

function isReadOnlyPlace(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  const code = error.errcode & 0xff
  return code === SQLITE_CANTOPEN || (code === SQLITE_READONLY && error.errcode !== SQLITE_READONLY_ROLLBACK)
}
