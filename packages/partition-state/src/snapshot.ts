/**
 * Snapshots of a partition: chunks of JSON text, each an array of parts, and a manifest that says what they must be. A
 * cache: what does not fit, in any way, is not used, and the events are folded from their start instead.
 */
import { createHash } from 'node:crypto'
import { type SnapshotPart, StateBuilder, type StateLimits, snapshotParts, stateFormatVersion } from '@signalbox/core'
import type { SnapshotToStore, StoredSnapshot } from '@signalbox/log'
import { z } from 'zod'
import type { Base } from './restore.ts'

const formatVersion = 1
const chunkCharacters = 128 * 1024

/** A snapshot that cannot be used; the message says why. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

const manifestSchema = z.strictObject({
  format: z.int(),
  state_format: z.int(),
  partition: z.int(),
  /** The log offset after the last event in it. */
  position: z.int(),
  chain_link: z.string().nullable(),
  /** Values of the events since the link, base64. */
  chain_open: z.array(z.string()),
  /** What the state remembers depends on these. */
  identity_horizon_ms: z.number(),
  missed: z.number(),
  /** SHA-256 of each chunk, base64url. */
  chunks: z.array(z.string()),
})
type Manifest = z.infer<typeof manifestSchema>

/** What to store of a state, which must not change before the manifest was taken. */
export function snapshotOf({ chain, position, state }: Base, limits: StateLimits): SnapshotToStore {
  const digests: string[] = []
  return {
    position,
    chunks: digested(chunksOf(snapshotParts(state)), digests),
    manifest: () => {
      const manifest: Manifest = {
        format: formatVersion,
        state_format: stateFormatVersion,
        partition: state.partition,
        position,
        chain_link: chain.link,
        chain_open: chain.open.map((value) => Buffer.from(value).toString('base64')),
        identity_horizon_ms: limits.identityHorizonMs,
        missed: limits.missed,
        chunks: digests,
      }
      return Buffer.from(JSON.stringify(manifest))
    },
  }
}

/** Where a stored snapshot says that it reaches to. Throws SnapshotError. */
export function snapshotPosition(stored: StoredSnapshot): number {
  return readManifest(stored.manifest).position
}

/** The base that a snapshot is of. Throws SnapshotError for one that cannot be used; errors of the store. */
export async function baseOfSnapshot(stored: StoredSnapshot, partition: number, limits: StateLimits): Promise<Base> {
  const manifest = readManifest(stored.manifest)
  const { format, state_format, identity_horizon_ms, missed } = manifest
  if (format !== formatVersion || state_format !== stateFormatVersion)
    throw new SnapshotError(`it has format ${format}/${state_format}, and this program reads ${formatVersion}/${stateFormatVersion}`)
  if (manifest.partition !== partition) throw new SnapshotError(`it is of partition ${manifest.partition}`)
  if (identity_horizon_ms !== limits.identityHorizonMs || missed !== limits.missed)
    throw new SnapshotError('it was written under other limits of what is remembered')
  const builder = new StateBuilder(limits)
  let count = 0
  for await (const chunk of stored.chunks()) {
    if (digestOf(chunk) !== manifest.chunks[count]) throw new SnapshotError(`chunk ${count} is not the one that its manifest names`)
    count++
    for (const part of JSON.parse(Buffer.from(chunk).toString()) as PartText[]) builder.add(partOf(part))
  }
  if (count !== manifest.chunks.length) throw new SnapshotError(`it has ${count} of ${manifest.chunks.length} chunks`)
  const open = manifest.chain_open.map((value) => new Uint8Array(Buffer.from(value, 'base64')))
  return { state: builder.state, position: manifest.position, chain: { link: manifest.chain_link, open }, isProven: false }
}

function readManifest(bytes: Uint8Array): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
  } catch (cause) {
    throw new SnapshotError('its manifest cannot be read', { cause })
  }
}

export type PartText = Exclude<SnapshotPart, { kind: 'ids' }> | { readonly kind: 'ids'; readonly number: number; readonly entries: string }

/** A part as JSON text; `partOf` reads it. */
export function partText(part: SnapshotPart): string {
  if (part.kind !== 'ids') return JSON.stringify(part)
  const { entries, number } = part.ids
  const words = Buffer.alloc(4 * entries.length)
  for (const [index, word] of entries.entries()) words.writeUInt32LE(word, 4 * index)
  return JSON.stringify({ kind: 'ids', number, entries: words.toString('base64') } satisfies PartText)
}

export function partOf(part: PartText): SnapshotPart {
  if (part.kind !== 'ids') return part
  const words = Buffer.from(part.entries, 'base64')
  const entries = new Uint32Array(words.length / 4)
  for (let index = 0; index < entries.length; index++) entries[index] = words.readUInt32LE(4 * index)
  return { kind: 'ids', ids: { number: part.number, entries } }
}

function* chunksOf(parts: Iterable<SnapshotPart>): Generator<Uint8Array> {
  let texts: string[] = []
  let characters = 0
  for (const part of parts) {
    const text = partText(part)
    if (texts.length > 0 && characters + text.length > chunkCharacters) {
      yield Buffer.from(`[${texts.join(',')}]`)
      texts = []
      characters = 0
    }
    texts.push(text)
    characters += text.length
  }
  yield Buffer.from(`[${texts.join(',')}]`)
}

function* digested(chunks: Iterable<Uint8Array>, digests: string[]): Generator<Uint8Array> {
  for (const chunk of chunks) {
    digests.push(digestOf(chunk))
    yield chunk
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}
