/** Looks at a log itself, with none of the code that redrives: what became of every record that was sent. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits, type Event, isOwnEvent } from '@signalbox/contract'
import type { LogReader, LogRecord, Topic } from '@signalbox/log'
import type { Sent } from './poison.ts'

export type Placed = Sent & { readonly offset: number }

const codec = createCodec({ limits: defaultLimits })

export async function readAll(log: LogReader, topic: Topic, partition: number): Promise<readonly LogRecord[]> {
  const { end, start } = await log.offsets(topic, partition)
  const records: LogRecord[] = []
  if (end <= start) return records
  const cursor = await log.cursor({ topic, partition, fromOffset: start })
  try {
    for (let empty = 0; cursor.position < end && empty < 30; ) {
      const chunk = await cursor.next({ maxRecords: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 })
      empty = chunk.length === 0 ? empty + 1 : 0
      records.push(...chunk)
    }
  } finally {
    await cursor.close()
  }
  return records
}

async function eventsOf(log: LogReader): Promise<readonly Event[]> {
  const events: Event[] = []
  for (let partition = 0; partition < log.partitionCount; partition++)
    for (const { value } of await readAll(log, 'events', partition)) events.push(codec.decodeEvent(value!))
  return events
}

/** By the id of the letter, what was sent. */
export interface Lost {
  readonly letters: ReadonlyMap<string, Placed>
  readonly findings: readonly string[]
}

/** Every record that is no good lies whole in the dead letters, once; and nothing else does. */
export async function checkNothingLost(log: LogReader, sent: readonly Placed[]): Promise<Lost> {
  const findings: string[] = []
  const letters = new Map<string, Placed>()
  const found = new Map<string, string[]>()
  const bySource = new Map(sent.map((each) => [`${each.partition}/${each.offset}`, each]))
  for (let partition = 0; partition < log.partitionCount; partition++) {
    for (const { headers, offset, value } of await readAll(log, 'dead-letters', partition)) {
      const source = `${headers.sb_source_partition}/${headers.sb_source_offset}`
      const id = `intents:${partition}:${offset}`
      const record = bySource.get(source)
      found.set(source, [...(found.get(source) ?? []), id])
      if (record === undefined) continue
      letters.set(id, record)
      if (!Buffer.from(value ?? new Uint8Array()).equals(Buffer.from(record.record.value)))
        findings.push(`${id} is not what was sent as ${source}`)
      for (const [name, text] of Object.entries(record.record.headers))
        if (headers[name] !== text) findings.push(`${id} lost the header ${name}`)
      if (headers.sb_code !== 'DEAD_LETTERED' || headers.sb_cause === '') findings.push(`${id} has no code or cause`)
    }
  }
  for (const [source, { kind }] of bySource) {
    const expected = kind === 'good' || kind === 'start' ? 0 : 1
    const actual = found.get(source)?.length ?? 0
    if (actual !== expected) findings.push(`${kind} record ${source} has ${actual} dead letters`)
  }
  return { letters, findings }
}

export interface Redriven {
  /** Letters that were an intent, and what was decided of those. */
  readonly redrivable: number
  readonly decisions: number
  readonly committed: number
  readonly marks: number
  readonly duplicates: number
  readonly findings: readonly string[]
}

/** Each letter that was an intent was decided once more, and once only, in the order in which they were sent in its scope. */
export async function checkRedriven(log: LogReader, sent: readonly Placed[], letters: ReadonlyMap<string, Placed>): Promise<Redriven> {
  const findings: string[] = []
  const decided = new Map<string, string[]>()
  const passed = new Map<string, number[]>()
  let committed = 0
  let marks = 0
  let duplicates = 0
  for (const event of await eventsOf(log)) {
    if (event.type === 'IntentDuplicated') duplicates++
    if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') continue
    if (!isOwnEvent(event)) continue
    const { intent } = event.payload
    if (event.type === 'IntentCommitted') {
      for (const { data, resource } of event.payload.changes) {
        if (resource === 'belt/main') passed.set(event.scope, (JSON.parse(data) as { passed: number[] }).passed)
        else marks++
      }
    }
    const { note = '', causationId = null } = (intent === null ? {} : JSON.parse(intent)) as { note?: string; causationId?: string | null }
    const id = /^redriven from (\S+) by human:ann: /.exec(note)?.[1]
    if (id === undefined) continue
    if (causationId === null) findings.push(`what ${id} was redriven as does not say what it continues`)
    decided.set(id, [...(decided.get(id) ?? []), `${event.partition}/${event.offset}`])
    if (event.type === 'IntentCommitted') committed++
  }
  let redrivable = 0
  let decisions = 0
  for (const [id, { kind }] of letters) {
    const times = decided.get(id)?.length ?? 0
    decisions += times
    const expected = kind === 'thrown at' ? 1 : 0
    redrivable += expected
    if (times !== expected) findings.push(`${kind} ${id} has ${times} decisions: ${decided.get(id)?.join(', ') ?? 'none'}`)
  }
  findings.push(...orderProblems(sent, passed))
  return { redrivable, decisions, committed, marks, duplicates, findings }
}

/** What the belts say: every good parcel at first, then each of the others once, as they were sent. */
function orderProblems(sent: readonly Placed[], passed: ReadonlyMap<string, readonly number[]>): readonly string[] {
  const findings: string[] = []
  for (const [scope, records] of Map.groupBy(sent, (each) => each.scope)) {
    const inOrder = records.toSorted((a, b) => a.offset - b.offset)
    const parcels = (kind: Sent['kind']) => inOrder.filter((each) => each.kind === kind).map(({ parcel }) => parcel)
    const expected = [...parcels('good'), ...parcels('thrown at')]
    const actual = passed.get(scope) ?? []
    const at = Array.from({ length: Math.max(expected.length, actual.length) }).findIndex((_, index) => expected[index] !== actual[index])
    if (at !== -1)
      findings.push(
        `in ${scope}, parcel ${actual[at] ?? 'none'} passed as number ${at} of ${actual.length}, and ${expected[at] ?? 'none'} of ${expected.length} was to`,
      )
  }
  return findings
}
