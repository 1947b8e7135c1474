/**
 * An exported log: one file of JSON lines, that replays on a laptop. The first line is the header, the last one the end with a digest of
 * all lines before it. In between, in the order of the log and partition by partition: parts of the state before the first event, where
 * the export does not begin at the start; and the events, whole and readable.
 */
import type { Event } from '@signalbox/contract'
import type { PartText } from '@signalbox/partition-state'
import { z } from 'zod'

export const exportFormat = 'signalbox-export/1'

export const headerSchema = z.strictObject({
  format: z.literal(exportFormat),
  /** The adapter's name of the log that it was taken from. */
  log: z.string(),
  partitionCount: z.int().min(1),
  /** What was asked for, in words. */
  of: z.string(),
  /** Whether every event of its partitions is in it, within its bounds: then source positions have no gaps but the log's own. */
  isWhole: z.boolean(),
  /** Names of fields whose values were taken out. */
  redacted: z.array(z.string()),
  /** By partition: the first log offset that is in it, and the one behind the last. */
  bounds: z.array(z.strictObject({ partition: z.int(), from: z.int(), to: z.int() })),
  /** Of the parts of state in it; they are of use to no program of another. */
  stateFormat: z.int().default(3),
  limits: z.strictObject({ identityHorizonMs: z.number(), missed: z.number(), windowMs: z.number() }),
  /** By which contracts was decided: type, version, digest. */
  contracts: z.array(z.strictObject({ type: z.string(), version: z.int(), digest: z.string() })),
  /** The Avro schemas of the records, by name. */
  schemas: z.record(z.string(), z.json()),
})
export type ExportHeader = z.output<typeof headerSchema>

export interface EventLine {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  /** Of who wrote it; null for an opening. */
  readonly epoch: string | null
  readonly event: Event
}

export interface BaseLine {
  readonly partition: number
  readonly base: PartText
}

export interface EndLine {
  readonly end: { readonly events: number; readonly sha256: string }
}

export type ExportLine = EventLine | BaseLine | EndLine

export class ExportError extends Error {
  override readonly name = 'ExportError'
}
