/** What happened under one correlation: which intent caused which, over agents and scopes, and what rules made of it. */
import { type Event, formatEventReference, isOwnEvent } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import type { Source } from '@signalbox/partition-state'
import { formatPosition } from '@signalbox/presentation'
import { findDecision } from './find.ts'

export interface TracedStep {
  readonly event: string
  readonly time: number
  /** `committed`, `rejected`, `pending`, `shadowed`, `duplicate`; of a rule, its name. */
  readonly what: string
  /** Of a reject, or of what a pending intent waits for. */
  readonly code: string | null
  readonly message: string | null
  readonly changes: readonly {
    readonly resource: string
    readonly action: string
    readonly fromVersion: number
    readonly version: number
  }[]
}

export interface TracedIntent {
  readonly intentId: string
  readonly scope: string
  readonly agent: string | null
  /** The intent that it names as its cause; null where it names none, or one that is not part of the trace. */
  readonly causedBy: string | null
  readonly actions: readonly { readonly resource: string; readonly action: string }[]
  readonly note: string | null
  /** What became of it, in the order in which it happened: the last one is how it stands. */
  readonly steps: readonly TracedStep[]
  /** What followed by rules at its decision: escalations, breakers, drifts. */
  readonly rules: readonly TracedStep[]
  readonly position: string
}

export interface Trace {
  readonly correlationId: string
  /** By time, each after what caused it. */
  readonly intents: readonly TracedIntent[]
  readonly scopes: readonly string[]
  readonly agents: readonly string[]
}

interface Growing {
  readonly intentId: string
  readonly scope: string
  readonly agent: string | null
  readonly causationId: string | null
  readonly actions: TracedIntent['actions']
  readonly note: string | null
  readonly steps: TracedStep[]
  readonly rules: TracedStep[]
  position: string
}

/** Null where nothing has this correlation id. Also finds a trace by the id of any of its intents. */
export async function trace(source: Source, id: string): Promise<Trace | null> {
  const correlationId = (await correlationOf(source, id)) ?? id
  const intents = new Map<string, Growing>()
  for (let partition = 0; partition < source.log.partitionCount; partition++) {
    for await (const { event, logOffset } of readEvents(source, partition)) {
      take(intents, event, correlationId, formatPosition(event.partition, logOffset + 1))
    }
  }
  if (intents.size === 0) return null
  const all = [...intents.values()].map(({ causationId, ...intent }) => ({
    ...intent,
    causedBy: causationId !== null && intents.has(causationId) ? causationId : null,
  }))
  return {
    correlationId,
    intents: ordered(all),
    scopes: [...new Set(all.map(({ scope }) => scope))].sort(),
    agents: [...new Set(all.map(({ agent }) => agent ?? '(unknown)'))].sort(),
  }
}

/** An intent that names no correlation is its own. */
async function correlationOf(source: Source, id: string): Promise<string | null> {
  const found = await findDecision(source, id)
  if (found === null || !('intent' in found.event.payload) || found.event.payload.intent === null) return null
  return (JSON.parse(found.event.payload.intent) as { correlationId?: string }).correlationId ?? id
}

function take(intents: Map<string, Growing>, event: Event, correlationId: string, position: string): void {
  if (event.type === 'RuleApplied') {
    const cause = event.payload.cause === null ? undefined : intents.get(event.payload.cause)
    cause?.rules.push(stepOf(event, event.payload.rule))
    return
  }
  if (
    event.type === 'WaitersExamined' ||
    event.type === 'PartitionOpened' ||
    event.type === 'ScopeCarried' ||
    event.type === 'PartitionCarried'
  )
    return
  const { intentId } = event.payload
  const known = intentId === null ? undefined : intents.get(intentId)
  if (known !== undefined) {
    known.steps.push(stepOf(event, whatOf(event)))
    known.position = position
    return
  }
  if (event.type === 'IntentDuplicated' || event.payload.intent === null || intentId === null) return
  // Cheap: nearly every event is of another correlation.
  if (intentId !== correlationId && !event.payload.intent.includes(correlationId)) return
  const intent = JSON.parse(event.payload.intent) as {
    readonly correlationId?: string
    readonly causationId?: string
    readonly actions: readonly { readonly resource: string; readonly action: string }[]
    readonly note?: string
  }
  if ((intent.correlationId ?? intentId) !== correlationId) return
  intents.set(intentId, {
    intentId,
    scope: event.scope,
    agent: event.payload.agent,
    causationId: intent.causationId ?? null,
    actions: intent.actions.map(({ action, resource }) => ({ resource, action })),
    note: intent.note ?? null,
    steps: [stepOf(event, whatOf(event))],
    rules: [],
    position,
  })
}

function whatOf(event: Event): string {
  switch (event.type) {
    case 'IntentCommitted':
      return 'committed'
    case 'IntentRejected':
      return 'rejected'
    case 'IntentPending':
      return event.payload.reason === 'escalated' ? 'asks a human' : 'waits'
    case 'IntentShadowed':
      return 'shadowed'
    default:
      return 'duplicate'
  }
}

function stepOf(event: Event, what: string): TracedStep {
  const { payload } = event
  return {
    event: formatEventReference(event),
    time: event.time,
    what,
    code: 'code' in payload ? payload.code : null,
    message: 'message' in payload ? payload.message : null,
    changes:
      'changes' in payload && (isOwnEvent(event) || event.type === 'RuleApplied' || event.type === 'IntentCommitted')
        ? payload.changes.map(({ action, fromVersion, resource, version }) => ({ resource, action, fromVersion, version }))
        : [],
  }
}

/** By the time of the first step, but never before what caused it: partitions have clocks of their own. */
function ordered(intents: readonly TracedIntent[]): TracedIntent[] {
  const byId = new Map(intents.map((intent) => [intent.intentId, intent]))
  const byTime = [...intents].sort((a, b) => a.steps[0]!.time - b.steps[0]!.time || (a.intentId < b.intentId ? -1 : 1))
  const placed = new Set<TracedIntent>()
  for (const intent of byTime) {
    const chain: TracedIntent[] = []
    for (let each: TracedIntent | undefined = intent; each !== undefined && !placed.has(each) && !chain.includes(each); ) {
      chain.push(each)
      each = each.causedBy === null ? undefined : byId.get(each.causedBy)
    }
    for (const each of chain.reverse()) placed.add(each)
  }
  return [...placed]
}
