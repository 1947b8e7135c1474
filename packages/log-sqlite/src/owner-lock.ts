import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseJson, replaceFile } from '@signalbox/files'
import { LogError } from '@signalbox/log'
import { isBusy, isNoDatabase } from './sqlite-errors.ts'

/** Long enough for an owner that is just closing. */
const BUSY_TIMEOUT_MS = 200

/**
 * Held by one process at a time. It is SQLite's lock on a database of its own, which the operating system takes back when
 * the process dies, however it dies.
 */
export class OwnerLock {
  readonly #database: DatabaseSync

  /** Errors: OWNED, MISCONFIGURED (something else has the name of the lock). */
  constructor(directory: string) {
    const file = join(directory, 'owner.lock')
    const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
    try {
      database.exec('BEGIN EXCLUSIVE')
      writeOwner(directory)
    } catch (error) {
      database.close()
      if (isBusy(error)) throw ownedError(directory, error)
      if (isNoDatabase(error))
        throw new LogError(
          'MISCONFIGURED',
          `${file} is not the lock that Signalbox makes there. Once no process uses the directory, remove it and start again; nothing is in it.`,
          { cause: error },
        )
      throw error
    }
    this.#database = database
  }

  release(): void {
    this.#database.close()
  }
}

function ownerFile(directory: string): string {
  return join(directory, 'owner.json')
}

/** For the message of who comes second. Not the lock's own file: closing a descriptor of that would drop the lock. */
function writeOwner(directory: string): void {
  const owner = { pid: process.pid, host: hostname(), startedAt: new Date(Date.now() - process.uptime() * 1_000).toISOString() }
  replaceFile(ownerFile(directory), `${JSON.stringify(owner)}\n`)
}

function ownedError(directory: string, cause: unknown): LogError {
  return new LogError(
    'OWNED',
    `The log in ${directory} is owned by ${describeOwner(directory)}. Stop that process, choose another directory, or open the log for reading.`,
    { cause },
  )
}

function describeOwner(directory: string): string {
  try {
    const { pid, host, startedAt } = parseJson(readFileSync(ownerFile(directory), 'utf8')) as Record<string, unknown>
    return `process ${pid} on ${host}, started ${startedAt}`
  } catch {
    return 'another process, which has not yet written who it is'
  }
}
