/** Opens a log's file for reading, also where nothing can be written beside it. */
import type { DatabaseSync } from 'node:sqlite'
import { openSqliteToRead, SqlitePlaceError } from '@signalbox/files/sqlite'
import { LogError } from '@signalbox/log'

/** An owner that starts for the first time holds the file for a moment. */
const BUSY_TIMEOUT_MS = 200

/** Errors: MISCONFIGURED, and SQLite's. */
export function openToRead(file: string): DatabaseSync {
  try {
    return openSqliteToRead(file, BUSY_TIMEOUT_MS)
  } catch (cause) {
    if (cause instanceof SqlitePlaceError) throw new LogError('MISCONFIGURED', cause.message, { cause })
    throw cause
  }
}
