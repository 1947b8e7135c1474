/** Questions to a log, answered by reading it. What needs an index or a state computes it on the way: no server needed. */
import type { Codec } from '@signalbox/codec'
import {
  type ContractSet,
  canonicalize,
  type Decision,
  type Event,
  type ExplainedDecision,
  type Intent,
  intentFromJson,
  type JsonObject,
  type Limits,
  partitionOf,
  type Resource,
} from '@signalbox/contract'
import { explain, explainPending, PartitionState, type Rules, resourceKey } from '@signalbox/core'
import { type Clock, LogError, type LogReader, systemClock } from '@signalbox/log'
import { EventReader, type LoggedEvent } from './event-reader.ts'
import { embeddedIntent, outcomeOf, presentDecision, presentExplanation, presentResource } from './present.ts'
import { emptyBase, Restore } from './restore.ts'
import { notAtHand, rulesAt } from './rules-at.ts'

const patienceMs = 30_000

export interface Source {
  readonly log: LogReader
  readonly codec: Codec
  readonly limits: Limits
  /** Of a log that does not begin at its start, the state before the first event of a partition. Default: an empty one. */
  readonly beginning?: (partition: number) => PartitionState
  /** Measures how long a log gives nothing. Default: the system clock. */
  readonly clock?: Clock
}

/** The state before the first event of a partition: a new one at each call. */
export function beginningOf(source: Source, partition: number): PartitionState {
  return source.beginning?.(partition) ?? new PartitionState(partition, source.limits)
}

/** The event at a log offset. Errors: OFFSET_OUT_OF_RANGE, CORRUPT, TRANSIENT. */
export async function readEvent({ codec, log }: Source, partition: number, logOffset: number): Promise<LoggedEvent> {
  const reader = await EventReader.open({ log, codec, partition, fromOffset: logOffset })
  try {
    const [logged] = await reader.next(5_000, 1)
    if (logged === undefined || logged.logOffset !== logOffset)
      throw new LogError('OFFSET_OUT_OF_RANGE', `there is no event at offset ${logOffset} of partition ${partition}`)
    return logged
  } finally {
    await reader.close()
  }
}

/** Every event of a partition that is there now, in order; `atATime` for who may want only few. */
export async function* readEvents(
  { clock = systemClock, codec, log }: Source,
  partition: number,
  fromOffset = 0,
  atATime?: number,
): AsyncGenerator<LoggedEvent> {
  const { end, start } = await log.offsets('events', partition)
  if (end <= Math.max(start, fromOffset)) return
  const reader = await EventReader.open({ log, codec, partition, fromOffset })
  try {
    for (let sinceMs = clock.nowMs(); reader.position < end; ) {
      const chunk = await reader.next(1_000, atATime)
      for (const logged of chunk) {
        if (logged.logOffset >= end) return
        yield logged
      }
      if (chunk.length > 0) sinceMs = clock.nowMs()
      else if (reader.position < end && clock.nowMs() - sinceMs > patienceMs) {
        throw new LogError(
          'TRANSIENT',
          `the log gave no event of partition ${partition} from offset ${reader.position} for ${patienceMs} ms, and it reaches to ${end}; look at the broker`,
        )
      }
    }
  } finally {
    await reader.close()
  }
}

export interface DecisionFilter {
  readonly scope?: string | undefined
  readonly agent?: string | undefined
  readonly resource?: string | undefined
  readonly code?: string | undefined
  readonly outcome?: 'committed' | 'rejected' | undefined
}

/** Whether an event is a decision that the filter asks for. */
export function matches(event: Event, filter: DecisionFilter): boolean {
  if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') return false
  if (filter.scope !== undefined && event.scope !== filter.scope) return false
  if (filter.agent !== undefined && event.payload.agent !== filter.agent) return false
  if (filter.outcome !== undefined && (event.type === 'IntentCommitted') !== (filter.outcome === 'committed')) return false
  if (filter.code !== undefined && (event.type !== 'IntentRejected' || event.payload.code !== filter.code)) return false
  if (filter.resource === undefined) return true
  if (event.type === 'IntentRejected') return event.payload.resource === filter.resource
  return event.payload.changes.some(({ resource }) => resource === filter.resource)
}

/** Under which name the log lay before it came here; null where it was nowhere else. Errors: as of the log. */
export async function earlierGeneration(source: Source): Promise<string | null> {
  for await (const { event } of readEvents(source, 0, 0, 1)) return event.type === 'PartitionCarried' ? event.payload.from : null
  return null
}

/** Decisions in log order, partition by partition. */
export async function* decisions(source: Source, filter: DecisionFilter = {}): AsyncGenerator<Decision> {
  const only = filter.scope === undefined ? null : partitionOf(filter.scope, source.log.partitionCount)
  for (let partition = 0; partition < source.log.partitionCount; partition++) {
    if (only !== null && partition !== only) continue
    for await (const { event, logOffset } of readEvents(source, partition))
      if (matches(event, filter)) yield presentDecision(event, logOffset)!
  }
}

/** The state of a partition just before the event at `logOffset`, folded from the beginning. */
export async function stateBefore(source: Source, partition: number, logOffset: number): Promise<PartitionState> {
  const { clock = systemClock, codec, log } = source
  const state = beginningOf(source, partition)
  if (logOffset === 0) return state
  const restore = await Restore.open({
    log,
    codec,
    base: emptyBase(state),
    signal: new AbortController().signal,
    patienceMs,
    nowMs: () => clock.nowMs(),
  })
  try {
    await restore.before(logOffset)
    return state
  } finally {
    await restore.close()
  }
}

/**
 * Explains a decision: the same checks on the same state, by the contracts that decided then where they are at hand, and whether they come
 * out as recorded.
 */
export async function explainDecision(source: Source, rules: Rules, logged: LoggedEvent): Promise<ExplainedDecision> {
  return explainIn(await stateBefore(source, logged.event.partition, logged.logOffset), rules, logged)
}

/** The same, where the state just before the event is at hand. */
export function explainIn(
  state: PartitionState,
  rules: Rules,
  { event, logOffset }: Pick<LoggedEvent, 'event' | 'logOffset'>,
): ExplainedDecision {
  const rulesThen = rulesAt(rules, state.contracts)
  const decision = presentDecision(event, logOffset)
  if (decision === null)
    throw new Error(`the event at offset ${logOffset} of partition ${event.partition} is ${event.type}, which is no decision`)
  const intent = embeddedIntent(event)
  const record = {
    offset: event.offset,
    timestampMs: event.time,
    intent: intent === null ? null : intentFromJson(intent),
    problem: intent === null ? 'its bytes are kept in the dead letters' : null,
  }
  // What was pending was decided again, without a look at its identity; its record is long past.
  const verdict = event.type === 'IntentCommitted' ? event.payload.verdict : null
  const again =
    'settles' in event.payload && event.payload.settles !== null
      ? explainPending(state, decision.intentId!, event.time, rulesThen, verdict)
      : undefined
  const explanation = presentExplanation(again ?? explain(state, record, rulesThen))
  // What a human had done in place of an intent is an intent of its own, made by the verdict and asked by nobody.
  const isAmendment = event.type === 'IntentCommitted' && event.payload.settles !== null && again === undefined
  const agrees = intent === null || isAmendment || explanationAgrees(event, decision, explanation)
  const stoodOn = record.intent === null ? [] : readSetOf(state, record.intent)
  const types = new Set(record.intent?.actions.map(({ resource }) => resource.slice(0, resource.indexOf('/'))))
  return {
    decision,
    intent: intent as ExplainedDecision['intent'],
    explanation,
    stoodOn,
    agrees,
    notAtHand: [...notAtHand(rules, state.contracts, types)],
  }
}

/** The versions that an intent names, with those that there were. */
function readSetOf(state: PartitionState, { actions, reads, scope }: Intent): ExplainedDecision['stoodOn'] {
  const named = [
    ...actions.flatMap(({ expectedVersion, resource }) => (expectedVersion === null ? [] : [{ resource, version: expectedVersion }])),
    ...reads.filter(({ resource }) => !actions.some((action) => action.resource === resource && action.expectedVersion !== null)),
  ]
  return named.map(({ resource, version }) => {
    const { lastChange, version: actual } = presentResource(scope, resource, state.resourceIn(scope, resource))
    return { resource, version, actual, movedBy: actual > version ? lastChange : null }
  })
}

/** How a pending intent ended by what no check decides: by time, by a human, by its own agent. */
const endedFromOutside: ReadonlySet<string> = new Set([
  'DEADLINE_PASSED',
  'WITHDRAWN',
  'ESCALATION_DENIED',
  'ESCALATION_EXPIRED',
  'ESCALATION_AMENDED',
])

/** Whether every word of the decision comes out again: the outcome, why, who moved what, and every change. */
function explanationAgrees(event: Event, decision: Decision, explanation: ExplainedDecision['explanation']): boolean {
  if (event.type === 'IntentRejected' && event.payload.settles !== null && endedFromOutside.has(event.payload.code)) return true
  const outcome = outcomeOf(decision)
  if (explanation.outcome !== outcome) return false
  const { actualVersion, code, expectedVersion, message, missed, movedBy, owner } = explanation
  // Of what is pending or in shadow, an explanation tells more than its event keeps.
  const said = outcome === 'rejected' ? { code, message, expectedVersion, actualVersion, movedBy, missed, owner } : { code, message }
  const recorded = Object.fromEntries(Object.keys(said).map((name) => [name, decision[name as keyof typeof said]]))
  const changes = decision.shadow?.changes ?? decision.changes
  return isSameJson(said, recorded) && (outcome === 'pending' || isSameJson(explanation.changes, changes))
}

function isSameJson(a: unknown, b: unknown): boolean {
  const text = (value: unknown) => canonicalize(JSON.parse(JSON.stringify(value)) as JsonObject)
  return text(a) === text(b)
}

/** The state of a partition at the end of its log. */
export async function currentState(source: Source, partition: number): Promise<PartitionState> {
  const state = beginningOf(source, partition)
  const { end } = await source.log.offsets('events', partition)
  const restore = await Restore.open({
    ...source,
    base: emptyBase(state),
    signal: new AbortController().signal,
    patienceMs,
    nowMs: () => (source.clock ?? systemClock).nowMs(),
  })
  try {
    await restore.toEnd(end)
    return state
  } finally {
    await restore.close()
  }
}

export async function currentResource(source: Source, scope: string, resource: string): Promise<Resource> {
  const partition = partitionOf(scope, source.log.partitionCount)
  const state = await currentState(source, partition)
  return presentResource(scope, resource, state.resource(resourceKey(scope, resource)))
}

export interface ResourceFilter {
  readonly scope?: string | undefined
  readonly type?: string | undefined
  readonly state?: string | undefined
}

/** Resources of a state that the filter asks for, sorted by scope and name. */
export function listResources(state: PartitionState, filter: ResourceFilter, contracts?: ContractSet): Resource[] {
  const found: Resource[] = []
  for (const [key, resource] of state.resources()) {
    const [scope, name] = key.split('\u0000') as [string, string]
    if (filter.scope !== undefined && scope !== filter.scope) continue
    if (filter.type !== undefined && !name.startsWith(`${filter.type}/`)) continue
    const presented = presentResource(scope, name, resource, contracts)
    if (filter.state === undefined || presented.state === filter.state) found.push(presented)
  }
  return found.sort((a, b) => (a.scope === b.scope ? compare(a.resource, b.resource) : compare(a.scope, b.scope)))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
