/**
 * `backup.json`: what a backup holds. It is written after the files that it names, and replaced in one step: so a backup that is cut off
 * at any moment is the one before, whole.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson, replaceFile } from '@signalbox/files'
import { z } from 'zod'
import { BackupError } from './errors.ts'

const count = z.int().min(0)
export const backupFormat = 'signalbox-backup/2'
const common = {
  /** Format 1 has no digest, and its files beside it. */
  format: z.enum(['signalbox-backup/1', backupFormat]),
  partitionCount: z.int().min(1),
}

/** Of an embedded log: its file, copied. */
const embedded = z.strictObject({
  ...common,
  log: z.literal('sqlite'),
  /** ISO 8601: when `signalbox backup` began. */
  takenAt: z.string(),
  /** In which folder of the backup the copy lies. */
  folder: z.string().default('.'),
  records: count,
  bytes: count,
  /** Of log.db, in base64url. */
  sha256: z.string(),
  /** By topic: where each partition ends. */
  ends: z.record(z.string(), z.array(count)),
})
export type EmbeddedManifest = z.output<typeof embedded>

/** Topics that are kept: what was decided, and what nobody could compute anew. */
export const keptTopics = [
  'notifications',
  'events',
  'dead-letters',
  'dead-letters.escalation',
  'dead-letters.projector',
  'dead-letters.reactions',
  'dead-letters.ingest',
] as const
export type KeptTopic = (typeof keptTopics)[number]

const segment = z.strictObject({
  topic: z.enum(keptTopics),
  partition: count,
  /** Offsets: of the first that may be in it, and behind the last. */
  from: count,
  to: count,
  records: count,
  file: z.string(),
  bytes: count,
  /** Of the file, in base64url. */
  sha256: z.string(),
})
export type Segment = z.output<typeof segment>

const taken = {
  segments: z.array(segment),
  /** By partition: the hash chain at the end of its events; the next run must fit. */
  chains: z.array(z.strictObject({ link: z.string().nullable(), open: z.array(z.string()) })),
}
const takenSchema = z.strictObject(taken)
export type Taken = z.output<typeof takenSchema>

/** Of a log on several machines: its topics, record by record, in files that are only ever added to. */
const topics = z.strictObject({
  ...common,
  log: z.literal('kafka'),
  /** ISO 8601: when the last run of `signalbox backup` that ended well began; null where none has. */
  takenAt: z.string().nullable(),
  ...taken,
  /** How far a run came that has not ended: of no use to who restores, as its topics are not of one moment. The next run goes on there. */
  unfinished: takenSchema.nullable().default(null),
})
export type TopicsManifest = z.output<typeof topics>

const manifestSchema = z.discriminatedUnion('log', [embedded, topics])
export type Manifest = z.output<typeof manifestSchema>

const fileOf = (directory: string) => join(directory, 'backup.json')

/** Null where the directory holds no backup. Errors: BackupError for a manifest that cannot be read. */
export function readManifest(directory: string): Manifest | null {
  const file = fileOf(directory)
  if (!existsSync(file)) return null
  try {
    const { digest, ...manifest } = parseJson(readFileSync(file, 'utf8')) as { digest?: unknown }
    const read = manifestSchema.parse(manifest)
    if (digest === (read.format === backupFormat ? digestOf(manifest) : undefined)) return read
  } catch (cause) {
    throw unreadable(file, cause)
  }
  throw unreadable(file)
}

function unreadable(file: string, cause?: unknown): BackupError {
  return new BackupError(`${file} is not what signalbox backup writes, or was changed; take the backup anew into another directory`, {
    cause,
  })
}

function digestOf(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('base64url')
}

/** There whole, or as it was before. */
export function writeManifest(directory: string, manifest: Manifest): void {
  const current = { ...manifest, format: backupFormat }
  replaceFile(fileOf(directory), `${JSON.stringify({ ...current, digest: digestOf(current) }, null, 2)}\n`)
}
