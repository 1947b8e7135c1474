/** Opens a log's file for reading, also where nothing can be written beside it. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { LogError } from '@signalbox/log'
import { isReadOnlyPlace } from './sqlite-errors.ts'

/** An owner that starts for the first time holds the file for a moment. */
const BUSY_TIMEOUT_MS = 200

/**
 * SQLite keeps shared memory beside the file while it reads it. Where it may not, the file is read as one that nobody changes: that is
 * so where no write-ahead log lies beside it, as every owner has one while it runs. Errors: MISCONFIGURED, and SQLite's.
 */
export function openToRead(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    database.prepare('PRAGMA schema_version').get()
    return database
  } catch (error) {
    if (!isReadOnlyPlace(error)) return database
    database.close()
    if (existsSync(`${file}-wal`))
      throw new LogError(
        'MISCONFIGURED',
        `${file} lies where nothing can be written, with a write-ahead log that is not in it yet. Copy the directory to where it can be written, and read it there.`,
        { cause: error },
      )
  }
  const url = pathToFileURL(file)
  url.searchParams.set('immutable', '1')
  return new DatabaseSync(url, { readOnly: true })
}
