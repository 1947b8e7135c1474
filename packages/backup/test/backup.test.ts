/** Backups as files, of a log in memory whose every fault can be chosen. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BackupError, proveBackup, putBackup, readManifest, type TopicsManifest, takeBackup } from '@signalbox/backup'
import { Chain, chainHeader, createCodec, epochHeader } from '@signalbox/codec'
import { defaultLimits, type Event } from '@signalbox/contract'
import type { Cursor, Log, LogReader, LogRecord, RecordToAppend, SideTopic, Topic } from '@signalbox/log'
import { LogError } from '@signalbox/log'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const codec = createCodec({ limits: defaultLimits })
const partitionCount = 2
let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-backup-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function opened(partition: number): Event {
  return { partition, offset: -1, index: 0, time: 0, scope: '', type: 'PartitionOpened', payload: { contracts: [], software: 'test' } }
}

function skipped(partition: number, offset: number, filling = ''): Event {
  const payload = {
    intentId: null,
    agent: null,
    intent: null,
    digest: null,
    code: 'SKIPPED',
    message: filling,
    owner: null,
    resource: null,
    expectedVersion: null,
    actualVersion: null,
    movedBy: null,
    retryAfterMs: null,
    missed: [],
    missedCount: 0,
    details: null,
    settles: null,
  }
  return { partition, offset, index: 0, time: 1_000 + offset, scope: 'shop', type: 'IntentRejected', payload } as unknown as Event
}

/** Writes as owners do: an opening, then batches, whose last events carry the links. */
class Writer {
  readonly store = new MemoryLogStore({ partitionCount })
  readonly log: Log = createMemoryLog({ store: this.store })
  readonly #chains = Array.from({ length: partitionCount }, () => new Chain())
  readonly #next = [0, 0]
  #generation = 0

  async own(partition: number, batches: number, eventsABatch = 3, filling = ''): Promise<void> {
    const writer = await this.log.open({ partition, generation: ++this.#generation, signal: new AbortController().signal })
    const chain = this.#chains[partition]!
    const opening = codec.encodeEvent(opened(partition))
    chain.add(opening)
    const { lastOffset } = await writer.append({
      events: [{ key: `partition-${partition}`, value: opening, headers: {} }],
      deadLetters: [],
    })
    for (let batch = 0; batch < batches; batch++) {
      const events: RecordToAppend[] = []
      for (let each = 0; each < eventsABatch; each++) {
        const value = codec.encodeEvent(skipped(partition, this.#next[partition]!++, filling))
        chain.add(value)
        const link = each === eventsABatch - 1 ? { [chainHeader]: chain.close() } : {}
        events.push({ key: 'shop', value, headers: { [epochHeader]: `${lastOffset}`, ...link } })
      }
      await writer.append({ events, deadLetters: [{ key: 'shop', value: Buffer.from([0, 255, batch]), headers: { cause: 'test' } }] })
    }
    await writer.close()
  }
}

async function recordsOf(log: LogReader, topic: Topic, partition: number): Promise<readonly LogRecord[]> {
  const { end } = await log.offsets(topic, partition)
  const cursor = await log.cursor({ topic, partition, fromOffset: 0 })
  const records: LogRecord[] = []
  while (cursor.position < end) records.push(...(await cursor.next({ maxRecords: 1_000, maxBytes: 1e9, waitMs: 10 })))
  await cursor.close()
  return records
}

/** The same log with a gap before every event, as transactions leave them. */
function gapped(log: LogReader): LogReader {
  const factor = (topic: Topic) => (topic === 'events' ? 2 : 1)
  return {
    name: 'gapped',
    id: `${log.id}-gapped`,
    partitionCount: log.partitionCount,
    index: null,
    offsets: async (topic, partition) => {
      const { end, start, written } = await log.offsets(topic, partition)
      return { start, end: end * factor(topic), written: written * factor(topic) }
    },
    cursor: async ({ fromOffset, partition, topic }) => {
      const by = factor(topic)
      const cursor = await log.cursor({ topic, partition, fromOffset: fromOffset === 'end' ? fromOffset : Math.ceil(fromOffset / by) })
      return {
        next: async (bounds) => (await cursor.next(bounds)).map((record) => ({ ...record, offset: record.offset * by })),
        get position() {
          return cursor.position * by
        },
        close: () => cursor.close(),
      }
    },
    close: () => log.close(),
  }
}

const filesOf = () => readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.gz'))
const manifestOf = () => readManifest(directory) as TopicsManifest

describe('a backup of a log', () => {
  it('is cut into files, and later runs add what came since', async () => {
    const writer = new Writer()
    await writer.own(0, 40, 3, 'x'.repeat(1_000))
    await writer.own(1, 2)
    const first = await takeBackup({ log: writer.log, directory, before: null, segmentBytes: 20_000 })
    const events = first.manifest.segments.filter(({ partition, topic }) => topic === 'events' && partition === 0)
    expect(first.added).toBe(1 + 120 + 40 + 1 + 6 + 2)
    expect((await takeBackup({ log: writer.log, directory, before: manifestOf() })).added).toBe(0)
    expect(events.map(({ from }) => from)).toEqual([0, ...events.slice(0, -1).map(({ to }) => to)])
    await writer.own(0, 1)
    const { added, manifest } = await takeBackup({ log: writer.log, directory, before: manifestOf() })
    expect(added).toBe(1 + 3 + 1)
    expect(filesOf()).toHaveLength(manifest.segments.length)
    expect(await proveBackup({ directory, manifest, codec })).toEqual({ events: 1 + 120 + 1 + 6 + 1 + 3, nextIntents: [123, 6] })
  })

  it('goes on where it was cut off', async () => {
    const writer = new Writer()
    await writer.own(0, 3_000, 2)
    await writer.own(1, 1)
    let reads = 0
    const failing: LogReader = Object.assign(Object.create(writer.log) as LogReader, {
      cursor: async (from: Parameters<LogReader['cursor']>[0]): Promise<Cursor> => {
        const cursor = await writer.log.cursor(from)
        return {
          next: async (bounds) => {
            if (from.topic === 'events' && ++reads > 4) throw new LogError('TRANSIENT', 'the broker is away')
            return await cursor.next(bounds)
          },
          get position() {
            return cursor.position
          },
          close: () => cursor.close(),
        }
      },
      offsets: (topic: Topic, partition: number) => writer.log.offsets(topic, partition),
    })
    Object.defineProperty(failing, 'partitionCount', { value: partitionCount })
    await expect(takeBackup({ log: failing, directory, before: null, segmentBytes: 1 })).rejects.toThrow('the broker is away')
    // What is there is of no one moment: it is gone on with, and not restored.
    expect(manifestOf()).toMatchObject({ takenAt: null, segments: [] })
    const kept = manifestOf().unfinished!.segments.length
    expect(kept).toBeGreaterThan(0)
    expect(filesOf()).toHaveLength(kept)
    const { manifest } = await takeBackup({ log: writer.log, directory, before: manifestOf() })
    expect(manifest.segments.length).toBeGreaterThan(kept)
    expect((await proveBackup({ directory, manifest, codec })).events).toBe(6_001 + 4)
  })

  it('that was not brought to an end leaves the one before as it was', async () => {
    const writer = new Writer()
    await writer.own(0, 3)
    const { manifest: first } = await takeBackup({ log: writer.log, directory, before: null })
    await writer.own(0, 2_000)
    const failing: LogReader = Object.assign(Object.create(writer.log) as LogReader, {
      offsets: (topic: Topic, partition: number) => writer.log.offsets(topic, partition),
      cursor: async (from: Parameters<LogReader['cursor']>[0]) => {
        const cursor = await writer.log.cursor(from)
        let reads = 0
        const next: Cursor['next'] = async (bounds) => {
          if (from.topic === 'events' && ++reads > 2) throw new LogError('TRANSIENT', 'the broker is away')
          return await cursor.next(bounds)
        }
        return Object.defineProperty({ next, close: () => cursor.close() }, 'position', { get: () => cursor.position }) as unknown as Cursor
      },
    })
    Object.defineProperty(failing, 'partitionCount', { value: partitionCount })
    await expect(takeBackup({ log: failing, directory, before: manifestOf(), segmentBytes: 1 })).rejects.toThrow('the broker is away')
    const { unfinished, ...kept } = manifestOf()
    expect(unfinished!.segments.length).toBeGreaterThan(first.segments.length)
    expect({ ...kept, unfinished: null }).toEqual(first)
    expect((await proveBackup({ directory, manifest: manifestOf(), codec })).events).toBe(10)
    const { manifest } = await takeBackup({ log: writer.log, directory, before: manifestOf() })
    expect(manifest.unfinished).toBeNull()
    expect((await proveBackup({ directory, manifest: manifestOf(), codec })).events).toBe(10 + 6_001)
  })

  it('in which a bit flips is neither gone on with nor put back, whichever file it is in', async () => {
    const writer = new Writer()
    await writer.own(0, 2)
    await writer.own(1, 2)
    await writer.log.appendAside('notifications', 0, { key: 'shop', value: Buffer.from('{"kind":"delivered"}'), headers: {} })
    const { manifest } = await takeBackup({ log: writer.log, directory, before: null })
    const events = 14
    for (const name of ['backup.json', ...manifest.segments.map(({ file }) => file)]) {
      const file = join(directory, name)
      const bytes = readFileSync(file)
      for (let position = 0; position < bytes.length; position += Math.max(1, Math.floor(bytes.length / 60))) {
        const flipped = Buffer.from(bytes)
        flipped[position]! ^= 1 << (position % 8)
        writeFileSync(file, flipped)
        const goOn = async () => await takeBackup({ log: writer.log, directory, before: manifestOf() })
        const prove = async () => await proveBackup({ directory, manifest: manifestOf(), codec })
        if (name === 'backup.json') {
          // White space may be other white space; nothing else may.
          const read = await prove().catch((error: unknown) => error)
          if (!(read instanceof BackupError)) expect(read, `${position}`).toMatchObject({ events })
        } else {
          await expect(prove(), `${name} ${position}`).rejects.toThrow(BackupError)
          await expect(goOn(), `${name} ${position}`).rejects.toThrow(BackupError)
        }
        writeFileSync(file, bytes)
      }
    }
    expect((await proveBackup({ directory, manifest: manifestOf(), codec })).events).toBe(events)
  })

  it('is of one log: another one is told by its end, its length, or its chain', async () => {
    const [writer, other] = [new Writer(), new Writer()]
    await writer.own(0, 2)
    await writer.own(1, 2)
    await takeBackup({ log: writer.log, directory, before: null })
    const onto = (log: LogReader) => takeBackup({ log, directory, before: manifestOf() })
    await expect(onto(other.log)).rejects.toThrow(/ends at 0, and the backup reaches to \d+: it is of another log/)
    await other.own(0, 5, 4)
    await other.own(1, 5, 4)
    await expect(onto(other.log)).rejects.toThrow(/the chain breaks at .*Or the backup is of another log/)
    const wide = createMemoryLog({ store: new MemoryLogStore({ partitionCount: 5 }) })
    await expect(onto(wide)).rejects.toThrow(/has 2 partitions and the log has 5/)
    expect((await onto(writer.log)).added).toBe(0)
  })

  it('is refused whole where a file is missing, was changed, or holds what nobody can decode', async () => {
    const writer = new Writer()
    await writer.own(0, 2)
    const { manifest } = await takeBackup({ log: writer.log, directory, before: null })
    const prove = () => proveBackup({ directory, manifest: manifestOf(), codec })
    const segment = manifest.segments.find(({ topic }) => topic === 'events')!
    const file = join(directory, segment.file)
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.subarray(0, bytes.length - 10))
    await expect(prove()).rejects.toThrow(BackupError)
    writeFileSync(file, Buffer.concat([bytes, Buffer.from('x')]))
    await expect(prove()).rejects.toThrow(/cannot be used/)
    rmSync(file)
    await expect(prove()).rejects.toThrow(/cannot be used: ENOENT/)
    writeFileSync(file, bytes)
    expect((await prove()).events).toBe(7)
    writeFileSync(join(directory, 'backup.json'), '{"format":"something else"}')
    expect(() => readManifest(directory)).toThrow(/is not what signalbox backup writes/)
  })
})

describe('a backup that is put back', () => {
  it('has the bytes, the links and new epochs; what names an offset of events names the new one; the intents go on', async () => {
    const writer = new Writer()
    await writer.own(0, 700, 2)
    await writer.own(0, 2)
    await writer.own(1, 1)
    const begun = (eventsOffset: number) => Buffer.from(JSON.stringify({ kind: 'begun', eventsOffset }))
    await writer.log.appendAside('notifications', 0, { key: 'begun', value: begun(2 * 1_401 - 1), headers: {} })
    await writer.log.appendAside('notifications', 0, { key: 'shop', value: Buffer.from('{"kind":"delivered"}'), headers: {} })
    await writer.log.appendAside('dead-letters.projector', 1, { key: 'shop', value: Buffer.from('poison'), headers: { a: 'b' } })
    const { manifest } = await takeBackup({ log: gapped(writer.log), directory, before: null })
    const log = createMemoryLog({ store: new MemoryLogStore({ partitionCount }) })
    const starts: (readonly [number, number])[] = []
    const letters: { readonly offset: number }[] = []
    const target = {
      appendAt: async (topic: SideTopic | 'dead-letters', partition: number, records: readonly (RecordToAppend & { offset: number })[]) => {
        if (topic === 'dead-letters') letters.push(...records)
        else for (const record of records) await log.appendAside(topic, partition, record)
      },
      startIntentsAt: async (partition: number, offset: number) => void starts.push([partition, offset]),
    }
    const proof = await proveBackup({ directory, manifest, codec })
    await putBackup({ directory, manifest, codec, log, target, proof })
    for (let partition = 0; partition < partitionCount; partition++) {
      const [before, after] = [await recordsOf(writer.log, 'events', partition), await recordsOf(log, 'events', partition)]
      expect(after.map(({ key, value }) => [key, Buffer.from(value!).toString('base64')])).toEqual(
        before.map(({ key, value }) => [key, Buffer.from(value!).toString('base64')]),
      )
      let epoch = ''
      for (const { headers, offset, value } of after) {
        if (codec.decodeEvent(value!).type === 'PartitionOpened') epoch = `${offset}`
        else expect(headers[epochHeader]).toBe(epoch)
      }
      expect(after.map(({ headers }) => headers[chainHeader])).toEqual(before.map(({ headers }) => headers[chainHeader]))
    }
    expect(starts).toEqual([
      [0, 1_406],
      [1, 3],
    ])
    expect(letters.map(({ offset }) => offset)).toEqual([...Array.from({ length: 702 }, (_, offset) => offset), 0])
    expect((await recordsOf(log, 'notifications', 0)).map(({ value }) => Buffer.from(value!).toString())).toEqual([
      '{"kind":"begun","eventsOffset":1401}',
      '{"kind":"delivered"}',
    ])
    expect(await recordsOf(log, 'dead-letters.projector', 1)).toMatchObject([{ key: 'shop', headers: { a: 'b' } }])
    await expect(putBackup({ directory, manifest, codec, log, target, proof })).rejects.toThrow(/events\/0 is not empty/)
  })
})
