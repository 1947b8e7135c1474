/** `backup.json`: what a backup holds. It is written after the files that it names, and anew with each of them. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { BackupError } from './errors.ts'

const count = z.int().min(0)
const common = {
  format: z.literal('signalbox-backup/1'),
  /** ISO 8601: when the last run of `signalbox backup` began. */
  takenAt: z.string(),
  partitionCount: z.int().min(1),
}

/** Of an embedded log: its file, copied. */
const embedded = z.strictObject({
  ...common,
  log: z.literal('sqlite'),
  records: count,
  bytes: count,
  /** Of log.db, in base64url. */
  sha256: z.string(),
  /** By topic: where each partition ends. */
  ends: z.record(z.string(), z.array(count)),
})
export type EmbeddedManifest = z.output<typeof embedded>

/** Topics that are kept: what was decided, and what nobody could compute anew. */
export const keptTopics = ['notifications', 'events', 'dead-letters', 'dead-letters.escalation', 'dead-letters.projector'] as const
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

/** Of a log on several machines: its topics, record by record, in files that are only ever added to. */
const topics = z.strictObject({
  ...common,
  log: z.literal('kafka'),
  segments: z.array(segment),
  /** By partition: the hash chain at the end of its events; the next run must fit. */
  chains: z.array(z.strictObject({ link: z.string().nullable(), open: z.array(z.string()) })),
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
    return manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new BackupError(`${file} is not what signalbox backup writes; take the backup anew into another directory`, { cause })
  }
}

/** There whole, or as it was before. */
export function writeManifest(directory: string, manifest: Manifest): void {
  const file = fileOf(directory)
  writeFileSync(`${file}.part`, `${JSON.stringify(manifest, null, 2)}\n`, { flush: true })
  renameSync(`${file}.part`, file)
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
