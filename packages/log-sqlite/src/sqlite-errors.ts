import { FileError } from '@signalbox/files'
import { LogError } from '@signalbox/log'

const SQLITE_ERROR = 1
const SQLITE_BUSY = 5
const SQLITE_READONLY = 8
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_CONSTRAINT = 19
const SQLITE_MISMATCH = 20
const SQLITE_NOTADB = 26
const SQLITE_READONLY_ROLLBACK = 776

/** SQLite's primary result code, or undefined when the error is not SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

/** What the operating system says of the files beside the database, as SQLite would have said it. */
const FROM_SYSTEM: ReadonlyMap<unknown, number> = new Map([
  ['ENOSPC', SQLITE_FULL],
  ['EDQUOT', SQLITE_FULL],
  ['EACCES', SQLITE_CANTOPEN],
  ['EPERM', SQLITE_CANTOPEN],
  ['EROFS', SQLITE_READONLY],
  ['ENOTDIR', SQLITE_CANTOPEN],
])

/** Of the files beside the database, which are written whole. */
function fullOrNot(cause: unknown): 'FULL' | 'MISCONFIGURED' {
  return FROM_SYSTEM.get(systemCode(cause)) === SQLITE_FULL ? 'FULL' : 'MISCONFIGURED'
}

function systemCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_BUSY
}

export function isNoDatabase(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE_NOTADB || code === SQLITE_CORRUPT
}

/** A change that was begun and not ended lies beside the file: who only reads may not undo it. */
export function isUnfinished(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_READONLY_ROLLBACK
}

export function corrupt(file: string, check: string, cause?: unknown): LogError {
  return new LogError(
    'CORRUPT',
    `The log file ${file} is damaged: ${check}. Stop writing, keep the directory as it is for inspection, and restore it from a copy.`,
    { cause },
  )
}

/** The error of a call that had no effect on the file. */
export function errorOf(error: unknown, file: string, doing: string): LogError {
  if (error instanceof LogError) return error
  if (error instanceof FileError) return new LogError(fullOrNot(error.cause), error.message, { cause: error })
  const text = error instanceof Error ? error.message : String(error)
  switch (sqliteCode(error) ?? FROM_SYSTEM.get(systemCode(error))) {
    // Its own statements do not fit its own tables: what the file says of its tables, or a row, was changed.
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corrupt(file, `SQLite says "${text}" while ${doing}`, error)
    case SQLITE_FULL:
      return new LogError(
        'FULL',
        `No space is left for ${file} while ${doing}. Nothing was acknowledged that is not durable. Free space, then start again.`,
        {
          cause: error,
        },
      )
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return new LogError(
        'MISCONFIGURED',
        `${file} cannot be opened while ${doing}: ${text}. Check that the directory exists and its permissions.`,
        {
          cause: error,
        },
      )
    default:
      return new LogError('TRANSIENT', `SQLite failed on ${file} while ${doing}: ${text}. Close the log and open it again.`, {
        cause: error,
      })
  }
}

/** What every write after a failed one answers: certainly not written. */
export function laterFailure(first: LogError): LogError {
  if (first.code === 'FULL' || first.code === 'CORRUPT') return first
  return new LogError('TRANSIENT', `Not written, because an earlier write failed: ${first.message} Close the log and open it again.`, {
    cause: first,
  })
}

/** How a `LogError` crosses from one thread to another. */
export interface ErrorMessage {
  readonly code: LogError['code']
  readonly message: string
  readonly cause: string | undefined
}

export function toMessage(error: LogError): ErrorMessage {
  return { code: error.code, message: error.message, cause: error.cause instanceof Error ? error.cause.stack : undefined }
}

export function fromMessage({ code, message, cause }: ErrorMessage): LogError {
  return new LogError(code, message, cause === undefined ? {} : { cause })
}
