/** What a record of a system of record says, as an intent of its source's agent: the same record gives the same intent. */
import { type Intent, intentFromJson, messageOf, readFollowUp, type Source, type SourceRecord } from '@signalbox/contract'
import { derivedId } from './derived-id.ts'

/** Ids are remembered for a day: of an older record, its half day of now stands for its time. */
const oldestMs = 12 * 3_600_000

/** A record that its source's `map` cannot read, or of which no intent can be made; the message names it. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault'
}

export interface FactSettings {
  readonly nowMs: number
  /** Encrypts personal data before it is in the log. Left out: what a source says is taken as it is. */
  readonly protect?: (intent: Intent) => Intent
}

/** What a record says, as an intent; null for one that says nothing. Throws SourceFault. */
export function factOf(source: Source, record: SourceRecord, { nowMs, protect = (intent) => intent }: FactSettings): Intent | null {
  const { offset, partition, topic } = record
  const at = `record ${offset} of partition ${partition} of topic ${topic}`
  let intent: Intent
  try {
    const said = readFollowUp(source.map(record))
    if (said === null) return null
    const timeMs = record.timestampMs > nowMs - oldestMs ? Math.min(record.timestampMs, nowMs) : Math.floor(nowMs / oldestMs) * oldestMs
    const intentId = derivedId(timeMs, ['ingest', source.name, topic, `${partition}`, `${offset}`])
    intent = intentFromJson({
      intentId,
      scope: said.scope,
      agent: source.agent,
      actions: said.actions.map((action) => ({ ...action, input: action.input ?? {} })),
      note: said.note ?? `from ${at}`,
    })
  } catch (cause) {
    throw new SourceFault(`source ${source.name} cannot read ${at}: ${messageOf(cause)}`, { cause })
  }
  return protect(intent)
}
