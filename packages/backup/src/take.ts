/** Copies what a log has beyond a backup of it into files: bounded in memory, and going on where it was cut off. */
import { Chain, ChainError, chainHeader } from '@signalbox/codec'
import { LogError, type LogReader, type LogRecord, type Offsets } from '@signalbox/log'
import { BackupError } from './errors.ts'
import { type KeptTopic, keptTopics, type TopicsManifest, writeManifest } from './manifest.ts'
import { SegmentWriter } from './segment.ts'

/** Of records, not packed. */
const defaultSegmentBytes = 64 * 1024 * 1024
const bounds = { maxRecords: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 }
/** How long a log may give nothing while something must be there. */
const patienceReads = 30

export interface TakeOptions {
  readonly log: LogReader
  readonly directory: string
  /** What the directory holds; null where it is empty. */
  readonly before: TopicsManifest | null
  readonly segmentBytes?: number
  readonly progress?: (taken: {
    readonly topic: KeptTopic
    readonly partition: number
    readonly offset: number
    readonly end: number
  }) => void
}

/**
 * Gives the manifest as it is in the end, and how many records came to it. Every file that is whole is kept, whatever happens after it.
 * Errors: BackupError (another log; a broken chain), LogError.
 */
export async function takeBackup(options: TakeOptions): Promise<{ readonly manifest: TopicsManifest; readonly added: number }> {
  const { before, log } = options
  if (before !== null && before.partitionCount !== log.partitionCount)
    throw new BackupError(
      `the backup has ${before.partitionCount} partitions and the log has ${log.partitionCount}: it is of another log; name another directory`,
    )
  // Receipts first: one without its event would keep people from being told of another under its id. Dead letters last: what events say of
  // one by its offset must be of that one.
  const ends = new Map<KeptTopic, readonly Offsets[]>()
  for (const topic of keptTopics) ends.set(topic, await Promise.all(partitions(log).map((partition) => log.offsets(topic, partition))))
  let manifest: TopicsManifest = {
    format: 'signalbox-backup/1',
    log: 'kafka',
    takenAt: new Date().toISOString(),
    partitionCount: log.partitionCount,
    segments: before?.segments ?? [],
    chains: before?.chains ?? partitions(log).map(() => ({ link: null, open: [] })),
  }
  const records = (of: TopicsManifest) => of.segments.reduce((total, segment) => total + segment.records, 0)
  const had = records(manifest)
  for (const topic of keptTopics) {
    for (const partition of partitions(log))
      manifest = await takePartition(options, manifest, topic, partition, ends.get(topic)![partition]!)
  }
  writeManifest(options.directory, manifest)
  return { manifest, added: records(manifest) - had }
}

function partitions(log: LogReader): readonly number[] {
  return Array.from({ length: log.partitionCount }, (_, partition) => partition)
}

async function takePartition(
  options: TakeOptions,
  before: TopicsManifest,
  topic: KeptTopic,
  partition: number,
  { end, start }: Offsets,
): Promise<TopicsManifest> {
  const { directory, log, progress, segmentBytes = defaultSegmentBytes } = options
  const from = before.segments.findLast((each) => each.topic === topic && each.partition === partition)?.to ?? 0
  const where = `${topic}/${partition}`
  if (end < from)
    throw new BackupError(`${where} ends at ${end}, and the backup reaches to ${from}: it is of another log; name another directory`)
  if (topic === 'events' && start > from)
    throw new BackupError(`${where} starts at ${start}: events from ${from} on are gone, and nothing restores without them`)
  if (end === from) return before
  const chain = topic === 'events' ? chainAt(before, partition) : null
  const cursor = await log.cursor({ topic, partition, fromOffset: Math.max(from, start) })
  let manifest = before
  let writer = new SegmentWriter(directory, topic, partition, from)
  try {
    for (let empty = 0; cursor.position < end; ) {
      const records = (await cursor.next(bounds)).filter(({ offset }) => offset < end)
      empty = records.length === 0 ? empty + 1 : 0
      if (empty > patienceReads)
        throw new LogError('TRANSIENT', `${where} cannot be read to its end, ${end}. Look at the broker, and take the backup again.`)
      for (const record of records) {
        verify(chain, record, where)
        await writer.write(record)
      }
      progress?.({ topic, partition, offset: cursor.position, end })
      if (writer.bytes < segmentBytes || cursor.position >= end) continue
      manifest = await settle(directory, manifest, writer, cursor.position, chain)
      writer = new SegmentWriter(directory, topic, partition, cursor.position)
    }
    return await settle(directory, manifest, writer, end, chain)
  } catch (error) {
    await writer.abort()
    throw error
  } finally {
    await cursor.close()
  }
}

async function settle(
  directory: string,
  before: TopicsManifest,
  writer: SegmentWriter,
  to: number,
  chain: Chain | null,
): Promise<TopicsManifest> {
  const segment = await writer.close(to)
  const chains = chain === null ? before.chains : before.chains.with(segment.partition, positionOf(chain))
  const manifest = { ...before, segments: [...before.segments, segment], chains }
  writeManifest(directory, manifest)
  return manifest
}

function chainAt({ chains }: TopicsManifest, partition: number): Chain {
  const { link, open } = chains[partition]!
  return new Chain({ link, open: open.map((value) => Buffer.from(value, 'base64')) })
}

function positionOf(chain: Chain): TopicsManifest['chains'][number] {
  const { link, open } = chain.position
  return { link, open: open.map((value) => Buffer.from(value).toString('base64')) }
}

function verify(chain: Chain | null, { headers, offset, value }: LogRecord, where: string): void {
  try {
    chain?.verify(value ?? new Uint8Array(), headers[chainHeader], `offset ${offset} of ${where}`)
  } catch (cause) {
    if (!(cause instanceof ChainError)) throw cause
    throw new BackupError(`${cause.message}. Or the backup is of another log; name another directory`, { cause })
  }
}
