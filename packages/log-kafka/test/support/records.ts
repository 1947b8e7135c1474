import type { Batch, Bounds, Cursor, Log, LogRecord, PartitionWriter, RecordToAppend, Topic } from '@signalbox/log'

export const PATIENCE_MS = 15_000

export function record(text: string): RecordToAppend {
  return { key: 'scope', value: Buffer.from(text), headers: {} }
}

export function batch(...texts: readonly string[]): Batch {
  return { events: texts.map(record), deadLetters: [] }
}

export function textsOf(records: readonly LogRecord[]): readonly string[] {
  return records.map(({ value }) => Buffer.from(value ?? []).toString())
}

export function bounds(changes: Partial<Bounds> = {}): Bounds {
  return { maxRecords: 10_000, maxBytes: 64 * 1024 * 1024, waitMs: PATIENCE_MS, ...changes }
}

export function openWriter(log: Log, partition: number, generation = 1): Promise<PartitionWriter> {
  return log.open({ partition, generation, signal: new AbortController().signal })
}

export async function readCount(cursor: Cursor, count: number): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = []
  while (records.length < count) {
    const more = await cursor.next(bounds())
    if (more.length === 0) throw new Error(`only ${records.length} of ${count} records came within ${PATIENCE_MS} ms`)
    records.push(...more)
  }
  return records
}

/** Reads from the start up to the end that the log has at this moment. */
export async function readAll(log: Log, topic: Topic, partition: number): Promise<readonly LogRecord[]> {
  const { start, end } = await log.offsets(topic, partition)
  const cursor = await log.cursor({ topic, partition, fromOffset: start })
  const records: LogRecord[] = []
  // What lies before a known end is readable at once: an empty answer is the end here, or markers only.
  for (;;) {
    const more = await cursor.next(bounds({ waitMs: 0 }))
    records.push(...more.filter(({ offset }) => offset < end))
    if (more.length === 0) break
  }
  await cursor.close()
  return records
}

/** Polls until the condition holds; the wait is bounded. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${PATIENCE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
