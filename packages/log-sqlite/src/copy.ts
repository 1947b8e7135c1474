/** Copies of a log's file: taken while its owner writes, and put back in a new place. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve as resolvePath } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { makeFolder, sync } from '@signalbox/files'
import { LogError } from '@signalbox/log'
import { AcknowledgedCount } from './acknowledged.ts'
import { databaseFile, inspect, type LogFile, noteDamage, TOPICS } from './database.ts'
import { newLogId } from './log-id.ts'
import { openToRead } from './open-to-read.ts'
import { writeSettings } from './settings-table.ts'
import { corrupt, errorOf } from './sqlite-errors.ts'

export interface SqliteCopy {
  readonly partitionCount: number
  /** Of all topics and partitions. */
  readonly records: number
  readonly bytes: number
  /** Of the database file, in base64url. */
  readonly sha256: string
  /** By topic: where each partition ends in the copy. */
  readonly ends: Readonly<Record<string, readonly number[]>>
}

export interface CopyOptions {
  /** The data directory that is copied. */
  readonly from: string
  /** Made where it is not there; what was copied there before is replaced. */
  readonly to: string
  readonly progress?: (copied: { readonly bytes: number; readonly totalBytes: number }) => void
}

/** Pages in one step, during which the connection is busy: 4 MiB. */
const PAGES_A_STEP = 1_024

/**
 * Copies a log as of one moment, whether or not it has an owner, in this process or another. All that was acknowledged before the
 * call is in it. The copy is checked whole, and is there under its name only then. While it runs, the owner's write-ahead log grows.
 * Errors: MISCONFIGURED (no log there, or another format), CORRUPT (the log, or the copy), FULL, TRANSIENT.
 */
export async function copySqliteLog({ from, progress, to }: CopyOptions): Promise<SqliteCopy> {
  const source = databaseFile(resolvePath(from))
  const target = databaseFile(resolvePath(to))
  if (!existsSync(source)) throw new LogError('MISCONFIGURED', `There is no log in ${from}. Name the data directory of one.`)
  const partial = `${target}.part`
  let database: DatabaseSync | undefined
  try {
    makeFolder(dirname(target))
    removePartial(partial)
    database = openToRead(source)
    // One state to the end: without it, every commit of the owner makes the copying begin anew.
    database.exec('BEGIN')
    if (inspect(resolvePath(from), database) === undefined)
      throw new LogError('MISCONFIGURED', `The log in ${from} is empty. Nothing is to be copied.`)
    const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.page_size)
    await backup(database, partial, {
      rate: PAGES_A_STEP,
      progress: ({ remainingPages, totalPages }) =>
        progress?.({ bytes: (totalPages - remainingPages) * pageBytes, totalBytes: totalPages * pageBytes }),
    })
  } catch (error) {
    removePartial(partial)
    throw errorOf(error, target, `copying ${source} to it`)
  } finally {
    database?.close()
  }
  return await settle(partial, target, { isNewLog: false })
}

/**
 * Puts a copy in a new place, as it was taken but for its id: it goes on as a log of its own. Errors: CORRUPT (it is not what was copied, by its digest, or fails its checks),
 * MISCONFIGURED, FULL, TRANSIENT.
 */
export async function placeSqliteCopy(options: CopyOptions & { readonly sha256: string }): Promise<SqliteCopy> {
  const source = databaseFile(resolvePath(options.from))
  const target = databaseFile(resolvePath(options.to))
  const partial = `${target}.part`
  try {
    const totalBytes = statSync(source).size
    makeFolder(dirname(target))
    removePartial(partial)
    const hash = createHash('sha256')
    let bytes = 0
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        bytes += chunk.byteLength
        options.progress?.({ bytes, totalBytes })
        done(null, chunk)
      },
    })
    await pipeline(createReadStream(source), counted, createWriteStream(partial))
    if (hash.digest('base64url') !== options.sha256)
      throw corrupt(source, 'its digest is not the one that was written down when it was copied')
  } catch (error) {
    removePartial(partial)
    throw errorOf(error, target, `copying ${source} to it`)
  }
  return await settle(partial, target, { isNewLog: true })
}

/** Checks a copy, counts what is in it, and gives it its name. */
async function settle(partial: string, target: string, { isNewLog }: { readonly isNewLog: boolean }): Promise<SqliteCopy> {
  const directory = dirname(target)
  try {
    // A copy that is only read must need no files beside it.
    const contents = check(partial, target, isNewLog)
    sync(partial)
    rmSync(`${target}-wal`, { force: true })
    rmSync(`${target}-shm`, { force: true })
    // Written anew by the copy's own records: what the owner acknowledged since is not in it.
    rmSync(join(directory, 'acknowledged'), { force: true })
    renameSync(partial, target)
    new AcknowledgedCount(directory, contents.records).close()
    sync(directory)
    return { ...contents, bytes: statSync(target).size, sha256: await digestOf(target) }
  } catch (error) {
    removePartial(partial)
    throw errorOf(error, target, 'checking the copy')
  }
}

/** With what SQLite had beside it. */
function removePartial(partial: string): void {
  const start = basename(partial)
  for (const name of readdirSync(dirname(partial))) if (name.startsWith(start)) rmSync(join(dirname(partial), name), { force: true })
}

function check(partial: string, target: string, isNewLog: boolean): Pick<SqliteCopy, 'partitionCount' | 'records' | 'ends'> {
  const database = new DatabaseSync(partial)
  try {
    database.exec('PRAGMA journal_mode = DELETE')
    const answer = Object.values(database.prepare('PRAGMA integrity_check(1)').get() ?? {})[0]
    if (answer !== 'ok') throw corrupt(target, `integrity_check says "${String(answer)}"`)
    // Nothing is acknowledged of a folder that is not there.
    const logFile = inspect(`${partial}.none`, database)
    if (logFile === undefined) throw corrupt(target, 'it is empty')
    // SQLite knows how its pages lie, not what is in them.
    logFile.proveRecords()
    noteDamage(logFile, damageOfIndex(logFile))
    if (isNewLog) writeSettings(database, newLogId())
    return { partitionCount: logFile.partitionCount, records: logFile.total(), ends: endsOf(logFile) }
  } finally {
    database.close()
  }
}

/** What is damaged in the index is read in place of it: no reason to be without a copy. */
function damageOfIndex({ index, partitionCount }: LogFile): readonly number[] {
  return Array.from({ length: partitionCount }, (_, partition) => index?.prove(partition) ?? 0)
}

function endsOf(logFile: LogFile): SqliteCopy['ends'] {
  return Object.fromEntries(TOPICS.map((topic) => [topic, logFile.ends(topic)]))
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('base64url')
}
