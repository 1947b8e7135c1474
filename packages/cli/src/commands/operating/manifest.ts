/** `backup.json`: what a backup holds. It is written last, and anew with every run. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { CommandError } from '../../exit-codes.ts'

const count = z.int().min(0)

const common = {
  format: z.literal('signalbox-backup/1'),
  /** ISO 8601: when the last run of `signalbox backup` began. */
  takenAt: z.string(),
  partitionCount: z.int().min(1),
}

export const embeddedManifest = z.strictObject({
  ...common,
  log: z.literal('sqlite'),
  records: count,
  bytes: count,
  /** Of log.db, in base64url. */
  sha256: z.string(),
  /** By topic: where each partition ends. */
  ends: z.record(z.string(), z.array(count)),
})
export type EmbeddedManifest = z.output<typeof embeddedManifest>

const manifestSchema = z.discriminatedUnion('log', [embeddedManifest])
export type Manifest = z.output<typeof manifestSchema>

const manifestFile = (directory: string) => join(directory, 'backup.json')

/** Null where the directory holds no backup. Throws CommandError (usage) for one that cannot be read. */
export function readManifest(directory: string): Manifest | null {
  const file = manifestFile(directory)
  if (!existsSync(file)) return null
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new CommandError('usage', `${file} is not what signalbox backup writes; take the backup anew into another directory`, { cause })
  }
}

/** There whole, or as it was before. */
export function writeManifest(directory: string, manifest: Manifest): void {
  const file = manifestFile(directory)
  writeFileSync(`${file}.part`, `${JSON.stringify(manifest, null, 2)}\n`, { flush: true })
  renameSync(`${file}.part`, file)
}
