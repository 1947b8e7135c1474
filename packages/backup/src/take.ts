/** Copies what a log has beyond a backup of it into files: bounded in memory, and going on where it was cut off. */
import { Chain, ChainError, chainHeader } from '@signalbox/codec'
import { LogError, type LogReader, type LogRecord, type Offsets } from '@signalbox/log'
import { BackupError } from './errors.ts'
import { backupFormat, type KeptTopic, keptTopics, type Taken, type TopicsManifest, writeManifest } from './manifest.ts'
import { proveFile, removeUnnamed, SegmentWriter } from './segment.ts'

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
  const complete: TopicsManifest = {
    ...(before ?? {
      format: backupFormat,
      log: 'kafka',
      takenAt: null,
      partitionCount: log.partitionCount,
      segments: [],
      chains: partitions(log).map(() => ({ link: null, open: [] })),
    }),
    unfinished: null,
  }
  const takenAt = new Date().toISOString()
  // First of all: a directory with files and without this is of nobody, and the next run would not go on in it.
  if (before === null) writeManifest(options.directory, complete)
  let taken: Taken = before?.unfinished ?? complete
  await proveFiles(options, taken)
  const save = (now: Taken) => writeManifest(options.directory, { ...complete, unfinished: now })
  try {
    for (const topic of keptTopics) {
      for (const partition of partitions(log))
        taken = await takePartition(options, save, taken, topic, partition, ends.get(topic)![partition]!)
    }
  } catch (error) {
    // Of another log, or of a broken one: none of it is gone on with.
    if (error instanceof BackupError) writeManifest(options.directory, before ?? complete)
    throw error
  }
  const manifest: TopicsManifest = { ...complete, takenAt, segments: taken.segments, chains: taken.chains }
  writeManifest(options.directory, manifest)
  removeUnnamed(options.directory, manifest)
  return { manifest, added: recordsIn(manifest) - recordsIn(complete) }
}

function recordsIn({ segments }: Taken): number {
  return segments.reduce((total, { records }) => total + records, 0)
}

/** To add to files that are damaged by now would be to keep nothing. Errors: BackupError. */
async function proveFiles({ directory, progress }: TakeOptions, { segments }: Taken): Promise<void> {
  for (const segment of segments) {
    await proveFile(directory, segment)
    progress?.({ topic: segment.topic, partition: segment.partition, offset: segment.to, end: segment.to })
  }
}

function partitions(log: LogReader): readonly number[] {
  return Array.from({ length: log.partitionCount }, (_, partition) => partition)
}

async function takePartition(
  options: TakeOptions,
  save: (taken: Taken) => void,
  before: Taken,
  topic: KeptTopic,
  partition: number,
  { end, start }: Offsets,
): Promise<Taken> {
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
  let taken = before
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
      taken = await settle(save, taken, writer, cursor.position, chain)
      writer = new SegmentWriter(directory, topic, partition, cursor.position)
    }
    return await settle(save, taken, writer, end, chain)
  } catch (error) {
    await writer.abort()
    throw error
  } finally {
    await cursor.close()
  }
}

async function settle(save: (taken: Taken) => void, before: Taken, writer: SegmentWriter, to: number, chain: Chain | null): Promise<Taken> {
  const segment = await writer.close(to)
  const chains = chain === null ? before.chains : before.chains.with(segment.partition, positionOf(chain))
  const taken = { segments: [...before.segments, segment], chains }
  save(taken)
  return taken
}

function chainAt({ chains }: Taken, partition: number): Chain {
  const { link, open } = chains[partition]!
  return new Chain({ link, open: open.map((value) => Buffer.from(value, 'base64')) })
}

function positionOf(chain: Chain): Taken['chains'][number] {
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
