import assert from 'node:assert/strict'
import { isLogError, type LogErrorCode } from '../errors.ts'
import type { Assignment, Batch, Bounds, Cursor, Log, LogReader, LogRecord, PartitionWriter, RecordToAppend, Topic } from '../port.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** How long a call waits that is expected to find nothing. */
export const SHORT_WAIT_MS = 50

export function record(text: string, changes: Partial<RecordToAppend> = {}): RecordToAppend {
  return { key: 'scope', value: encoder.encode(text), headers: {}, ...changes }
}

export function textOf(stored: LogRecord): string {
  return decoder.decode(stored.value ?? new Uint8Array())
}

export function batch(...texts: readonly string[]): Batch {
  return { events: texts.map((text) => record(text)), deadLetters: [] }
}

export function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** Generous bounds that wait as long as the suite has patience. */
export function patient(patienceMs: number, changes: Partial<Bounds> = {}): Bounds {
  return { maxRecords: 10_000, maxBytes: 64 * 1024 * 1024, waitMs: patienceMs, ...changes }
}

/**
 * The order to own a partition, as a membership would give it. The suite makes most of its own: what `open` does must not
 * depend on the group, and joining a group takes seconds on some engines.
 */
export function orderToOwn(partition: number, generation = 1): Assignment {
  return { partition, generation, signal: new AbortController().signal }
}

export function openWriter(log: Log, partition: number, generation = 1): Promise<PartitionWriter> {
  return log.open(orderToOwn(partition, generation))
}

/** The promise's outcome, or an error that says what did not happen in time. */
export async function within<Result>(patienceMs: number, what: string, promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${patienceMs} ms`)), patienceMs)
  })
  try {
    return await Promise.race([promise, expired])
  } finally {
    clearTimeout(timer)
  }
}

export async function rejectsWith(
  patienceMs: number,
  what: string,
  promise: Promise<unknown>,
  ...codes: readonly LogErrorCode[]
): Promise<void> {
  const outcome = await within(patienceMs, what, settled(promise))
  if (outcome.status === 'fulfilled') assert.fail(`${what}: expected ${codes.join(' or ')}, but it resolved`)
  assert.ok(isLogError(outcome.reason), `${what}: expected a LogError, got ${String(outcome.reason)}`)
  assert.ok(
    codes.includes(outcome.reason.code),
    `${what}: expected ${codes.join(' or ')}, got ${outcome.reason.code}: ${outcome.reason.message}`,
  )
  assert.ok(outcome.reason.message.length > 10, `${what}: the message says nothing`)
}

export async function settled<Result>(promise: Promise<Result>): Promise<PromiseSettledResult<Result>> {
  const [outcome] = await Promise.allSettled([promise])
  return outcome
}

/** Reads on until the records satisfy `done`. */
export async function collect(
  cursor: Cursor,
  patienceMs: number,
  done: (records: readonly LogRecord[]) => boolean,
  bounds: Partial<Bounds> = {},
): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = []
  const deadline = performance.now() + patienceMs
  while (!done(records)) {
    const waitMs = deadline - performance.now()
    const seen = records.map(textOf).slice(-5).join(', ')
    assert.ok(waitMs > 0, `the awaited records did not come within ${patienceMs} ms; ${records.length} came, the last ones: ${seen}`)
    records.push(...(await within(patienceMs * 2, 'cursor.next', cursor.next(patient(Math.ceil(waitMs), bounds)))))
  }
  return records
}

export interface ReadOptions {
  readonly from?: number
  readonly bounds?: Partial<Bounds>
}

/** The first `count` records from an offset on. */
export async function readCount(
  log: LogReader,
  topic: Topic,
  partition: number,
  count: number,
  patienceMs: number,
  options: ReadOptions = {},
): Promise<readonly LogRecord[]> {
  const cursor = await log.cursor({ topic, partition, fromOffset: options.from ?? 0 })
  try {
    return await collect(cursor, patienceMs, (records) => records.length >= count, options.bounds)
  } finally {
    await cursor.close()
  }
}

/** Every event there is: appends one more, reads up to it, and leaves it out. An empty poll would prove nothing. */
export async function readAllEvents(log: Log, writer: PartitionWriter, patienceMs: number): Promise<readonly LogRecord[]> {
  const marker = `the end of partition ${writer.partition}`
  const { lastOffset } = await within(patienceMs, 'appending the marker', writer.append(batch(marker)))
  const cursor = await log.cursor({ topic: 'events', partition: writer.partition, fromOffset: 0 })
  const records = await collect(cursor, patienceMs, (seen) => seen.some(({ offset }) => offset >= lastOffset))
  await cursor.close()
  assert.equal(textOf(records.at(-1)!), marker, 'the marker is the last event')
  return records.slice(0, -1)
}

/** Every intent there is, in the same way. */
export async function readAllIntents(log: Log, partition: number, patienceMs: number): Promise<readonly LogRecord[]> {
  const marker = `the end of the intents of partition ${partition}`
  const { offset: markerOffset } = await within(patienceMs, 'appending the marker', log.append(partition, record(marker)))
  const cursor = await log.cursor({ topic: 'intents', partition, fromOffset: 0 })
  const records = await collect(cursor, patienceMs, (seen) => seen.some(({ offset }) => offset >= markerOffset))
  await cursor.close()
  assert.equal(textOf(records.at(-1)!), marker, 'the marker is the last intent')
  return records.slice(0, -1)
}

export function assertRising(offsets: readonly number[]): void {
  offsets.forEach((offset, index) => {
    assert.ok(Number.isSafeInteger(offset) && offset >= 0, `offset ${offset} is a whole number`)
    if (index > 0) assert.ok(offset > offsets[index - 1]!, `offset ${offset} comes after ${offsets[index - 1]}`)
  })
}

export function assertTexts(records: readonly LogRecord[], texts: readonly string[]): void {
  assert.deepEqual(records.map(textOf), texts)
}
