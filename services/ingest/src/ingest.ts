/**
 * Turns the records of a source's topic into intents of its agent. Each record is read again until its intent is durable,
 * and an intent that is appended twice has one id: what the contract's facts say of versions settles the rest.
 */
import type { Codec } from '@signalbox/codec'
import { derivedId, type Intent, intentFromJson, partitionOf, type Source, type SourceRecord } from '@signalbox/contract'
import { type Clock, isLogError, type Log } from '@signalbox/log'
import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'

const firstRetryMs = 100
const lastRetryMs = 5_000
/** Ids are remembered for a day: of an older record, its half day of now stands for its time. */
const oldestMs = 12 * 3_600_000

/** A record that says nothing its source's `map` can read; the message names it. Nothing after it is taken. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault'
}

export interface IngestSettings {
  readonly log: Log
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly registry: Registry
  readonly sha256: (text: string) => string
  /** Encrypts personal data before it is in the log. Left out: what a source says is taken as it is. */
  readonly protect?: (intent: Intent) => Intent
}

export type Take = (records: readonly SourceRecord[], signal: AbortSignal) => Promise<void>

/** Takes records of a source, in order; resolves once their intents are durable. Throws SourceFault; LogError for a log that fails for good. */
export function ingest(source: Source, settings: IngestSettings): Take {
  const { clock, codec, log, logger, registry } = settings
  const counted = countersOf(registry)
  const append = async (intent: Intent, signal: AbortSignal): Promise<void> => {
    const record = { key: intent.scope, value: codec.encodeIntent(intent), headers: {} }
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      try {
        await log.append(partitionOf(intent.scope, log.partitionCount), record)
        return
      } catch (error) {
        if (!isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL') || signal.aborted) throw error
        logger.warn({ source: source.name, err: error, retryMs }, `a fact is appended again in ${retryMs} ms: ${error.message}`)
        await clock.sleep(retryMs, signal)
      }
    }
  }
  return async (records, signal) => {
    for (const record of records) {
      const intent = intentOf(source, record, settings)
      if (intent === null) counted.skipped.inc({ source: source.name })
      else {
        // One after the other: the facts about one thing stay in their order.
        await append(intent, signal)
        counted.taken.inc({ source: source.name })
      }
    }
  }
}

function countersOf(registry: Registry): { readonly taken: Counter; readonly skipped: Counter } {
  const make = (name: string, help: string): Counter =>
    (registry.getSingleMetric(name) as Counter | undefined) ?? new Counter({ name, help, labelNames: ['source'], registers: [registry] })
  return {
    taken: make('signalbox_facts_taken_total', 'Records of systems of record that became intents.'),
    skipped: make('signalbox_facts_skipped_total', 'Records of systems of record that said nothing.'),
  }
}

function intentOf(source: Source, record: SourceRecord, { clock, protect = (intent) => intent, sha256 }: IngestSettings): Intent | null {
  const { offset, partition, topic } = record
  const at = `record ${offset} of partition ${partition} of topic ${topic}`
  try {
    const said = source.map(record)
    if (said === null) return null
    const nowMs = clock.nowMs()
    const timeMs = record.timestampMs > nowMs - oldestMs ? Math.min(record.timestampMs, nowMs) : Math.floor(nowMs / oldestMs) * oldestMs
    const intentId = derivedId(timeMs, ['ingest', source.name, topic, `${partition}`, `${offset}`], sha256)
    const intent = intentFromJson({
      intentId,
      scope: said.scope,
      agent: source.agent,
      actions: said.actions.map((action) => ({ ...action, input: action.input ?? {} })),
      note: said.note ?? `from ${at}`,
    })
    return protect(intent)
  } catch (cause) {
    throw new SourceFault(
      `source ${source.name} cannot read ${at}: ${(cause as Error).message}. Nothing after it is taken; mend the source's map, and start again`,
      { cause },
    )
  }
}
