import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Batch,
  isLogError,
  type Log,
  type LogError,
  type LogReader,
  type LogRecord,
  type PartitionWriter,
  type RecordToAppend,
  type Topic,
} from '@signalbox/log'
import { onTestFinished } from 'vitest'

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-log-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** The files as they are now, as a crash of the machine or a careless backup would leave them. */
export async function copyOf(directory: string): Promise<string> {
  const copy = await temporaryDirectory()
  for (const name of await readdir(directory)) await copyFile(join(directory, name), join(copy, name))
  return copy
}

export function record(text: string): RecordToAppend {
  return { key: 'scope', value: new TextEncoder().encode(text), headers: { ce_id: '1' } }
}

export function events(...texts: string[]): Batch {
  return { events: texts.map(record), deadLetters: [] }
}

export function textOf({ value }: LogRecord): string {
  return new TextDecoder().decode(value ?? undefined)
}

export function openWriter(log: Log, partition = 0): Promise<PartitionWriter> {
  return log.open({ partition, generation: 1, signal: new AbortController().signal })
}

/** Everything there is of a topic whose end is known. */
export async function readAll(log: LogReader, topic: Topic, partition = 0): Promise<readonly LogRecord[]> {
  const { end } = await log.offsets(topic, partition)
  const cursor = await log.cursor({ topic, partition, fromOffset: 0 })
  const records: LogRecord[] = []
  while (records.length < end) records.push(...(await cursor.next({ maxRecords: 1_000, maxBytes: 1_000_000, waitMs: 5_000 })))
  await cursor.close()
  return records
}

/** The LogError that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<LogError> {
  try {
    await promise
  } catch (error) {
    if (isLogError(error)) return error
    throw error
  }
  throw new Error('It did not fail.')
}
