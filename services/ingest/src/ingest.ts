/**
 * Turns the records of a source's topic into intents of its agent. Each record is read again until its intent is durable,
 * and an intent that is appended twice has one id: what the contract's facts say of versions settles the rest.
 */
import type { Codec } from '@signalbox/codec'
import { type Intent, partitionOf, type Source, type SourceRecord } from '@signalbox/contract'
import { factOf, SourceFault } from '@signalbox/follow-ups'
import { type Clock, isLogError, type Log, type RecordToAppend } from '@signalbox/log'
import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'

const firstRetryMs = 100
const lastRetryMs = 5_000
/** What a record of `dead-letters.ingest` holds. */
export interface IngestLetter {
  readonly source: string
  readonly record: SourceRecord
  readonly cause: string
}

const maxHeaderCharacters = 1_000

export interface IngestSettings {
  readonly log: Log
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly registry: Registry
  /** Encrypts personal data before it is in the log. Left out: what a source says is taken as it is. */
  readonly protect?: (intent: Intent) => Intent
}

export type Take = (records: readonly SourceRecord[], signal: AbortSignal) => Promise<void>

/** Takes records of a source, in order; resolves once their intents are durable, or kept as dead letters. Throws LogError for a log that fails for good. */
export function ingest(source: Source, settings: IngestSettings): Take {
  const { clock, codec, log, logger, registry } = settings
  const counted = countersOf(registry)
  const untilDone = async (append: () => Promise<unknown>, signal: AbortSignal): Promise<void> => {
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      try {
        await append()
        return
      } catch (error) {
        if (!isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL') || signal.aborted) throw error
        logger.warn({ source: source.name, err: error, retryMs }, `a fact is appended again in ${retryMs} ms: ${error.message}`)
        await clock.sleep(retryMs, signal)
      }
    }
  }
  const takeOne = async (record: SourceRecord, signal: AbortSignal): Promise<void> => {
    const intent = factOf(source, record, { ...settings, nowMs: clock.nowMs() })
    if (intent === null) {
      counted.skipped.inc({ source: source.name })
      return
    }
    const appended = { key: intent.scope, value: codec.encodeIntent(intent), headers: {} }
    await untilDone(() => log.append(partitionOf(intent.scope, log.partitionCount), appended), signal)
    counted.taken.inc({ source: source.name })
  }
  return async (records, signal) => {
    for (const record of records) {
      try {
        // One after the other: the facts about one thing stay in their order.
        await takeOne(record, signal)
      } catch (error) {
        if (!(error instanceof SourceFault) && !isLogError(error, 'TOO_LARGE')) throw error
        const partition = partitionOf(source.name, log.partitionCount)
        await untilDone(() => log.appendAside('dead-letters.ingest', partition, letterOf(source, record, error.message)), signal)
        counted.parked.inc({ source: source.name })
        logger.error(
          { source: source.name, offset: record.offset, partition: record.partition },
          `${error.message}. It is kept as a dead letter, and what follows is taken: mend the source's map, then signalbox dead-letter redrive --topic ingest`,
        )
      }
    }
  }
}

function letterOf({ name }: Source, record: SourceRecord, cause: string): RecordToAppend {
  const letter: IngestLetter = { source: name, record, cause }
  return {
    key: name,
    value: Buffer.from(JSON.stringify(letter)),
    headers: {
      sb_code: 'SOURCE_UNREADABLE',
      sb_cause: cause.toWellFormed().slice(0, maxHeaderCharacters).toWellFormed(),
      sb_source: name,
      sb_source_partition: `${record.partition}`,
      sb_source_offset: `${record.offset}`,
      sb_source_timestamp_ms: `${record.timestampMs}`,
    },
  }
}

function countersOf(registry: Registry): { readonly taken: Counter; readonly skipped: Counter; readonly parked: Counter } {
  const make = (name: string, help: string): Counter =>
    (registry.getSingleMetric(name) as Counter | undefined) ?? new Counter({ name, help, labelNames: ['source'], registers: [registry] })
  return {
    taken: make('signalbox_facts_taken_total', 'Records of systems of record that became intents.'),
    skipped: make('signalbox_facts_skipped_total', 'Records of systems of record that said nothing.'),
    parked:
      (registry.getSingleMetric('signalbox_facts_parked_total') as Counter | undefined) ??
      new Counter({
        name: 'signalbox_facts_parked_total',
        help: 'Records of systems of record that their source could not read, kept as dead letters.',
        labelNames: ['source'],
        registers: [registry],
      }),
  }
}
