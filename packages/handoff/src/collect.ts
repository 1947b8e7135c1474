/** Candidates from events: what a scope looks like at a position of its partition, and how it came to. Pure, and in log order. */
import {
  type ContractSet,
  clockAgent,
  type EffectData,
  type Event,
  type EventReference,
  type HandoffPart,
  type IntentCommitted,
  type PastChange,
  type ReservationData,
  resourceType,
  type ScopeCarried,
  type Timer,
} from '@signalbox/contract'
import {
  type Candidate,
  type DecisionAction,
  type DecisionCandidate,
  type DecisionOutcome,
  type PartReference,
  packetLimits,
} from './input.ts'
import { partReference } from './part.ts'

interface Known {
  readonly version: number
  readonly state: string
  readonly data: string
  readonly timer: Timer | null
  readonly changedBy: DecisionCandidate
}

/** The newest decisions that are kept; of older ones, those that made a resource what it is. */
const decisionLimit = 5_000
/** Room for the task and for what the caller adds, of what a packet is compiled from. */
const candidateLimit = packetLimits.candidates - 100
const candidateBytes = packetLimits.candidateBytes - 64 * 1024

const aside: ReadonlySet<string> = new Set(['clock', 'intent', 'reservation', 'effect', 'source'])

export interface Collected {
  readonly candidates: readonly Candidate[]
  /** What was known and is not among them, as more than a packet is compiled from. */
  readonly notOffered: number
}

export class CandidateCollector {
  readonly #scope: string
  readonly #resources = new Map<string, Known>()
  // A ring: the newest decisions.
  readonly #decisions: DecisionCandidate[] = []
  #decided = 0
  #time = 0

  constructor(scope: string) {
    this.#scope = scope
  }

  /** Logical time of the last event of any scope: milliseconds since 1970, UTC. */
  get time(): number {
    return this.#time
  }

  /** Whether the scope has a resource of this name. */
  has(resource: string): boolean {
    return this.#resources.has(resource)
  }

  /** The next event of the partition. */
  take(event: Event): void {
    this.#time = Math.max(this.#time, event.time)
    if (event.scope !== this.#scope) return
    if (event.type === 'ScopeCarried') {
      this.#takeCarried(event.payload)
      return
    }
    const decision = decisionOf(event)
    if (decision === null) return
    this.#decisions[this.#decided++ % decisionLimit] = decision
    if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') return
    for (const { data, resource, state, timer, version } of event.payload.changes)
      this.#resources.set(resource, { version, state, data, timer, changedBy: decision })
  }

  /** The last decision on each resource, as far as it is known here: it lies in other topics. */
  #takeCarried({ changes, histories, isShadow }: ScopeCarried): void {
    if (isShadow) return
    for (const [index, { data, resource, state, timer, version }] of changes.entries()) {
      const last = histories[index]!.changes.at(-1)!
      const known = this.#allDecisions().find(({ event }) => compareEvents(event, last.event) === 0)
      const changedBy = known ?? carriedDecision(resource, last)
      if (known === undefined) this.#decisions[this.#decided++ % decisionLimit] = changedBy
      this.#resources.set(resource, { version, state, data, timer, changedBy })
    }
  }

  /** A part of the scope by its reference; null where there is none, or it is not known any more. */
  part(reference: PartReference): Candidate | null {
    const [kind, rest] = [reference.slice(0, reference.indexOf(':')), reference.slice(reference.indexOf(':') + 1)]
    if (kind === 'resource') return this.#resource(rest)
    if (kind === 'reservation') return this.#reservation(rest)
    if (kind === 'effect') return this.#effect(`effect/${rest}`)
    return this.#allDecisions().find((decision) => partReference(decision) === reference) ?? null
  }

  /** What a packet about these resources may be compiled from: they first, then the newest of all else. */
  collect(about: readonly string[]): Collected {
    const named = new Set(about)
    const ranked: Candidate[] = []
    for (const resource of named) ranked.push(this.#resource(resource))
    for (const resource of named) ranked.push(...this.#around(resource))
    const changed = [...this.#resources].sort(([, a], [, b]) => compareEvents(b.changedBy.event, a.changedBy.event))
    for (const [name] of changed) {
      const reservation = name.startsWith('reservation/') ? this.#reservation(name.slice('reservation/'.length)) : null
      const effect = name.startsWith('effect/') ? this.#effect(name) : null
      if (reservation !== null) ranked.push(reservation)
      if (effect !== null) ranked.push(effect)
    }
    const newest = this.#allDecisions().sort((a, b) => compareEvents(b.event, a.event))
    // Turn by turn, so that many of the one leave room for the other.
    const others = changed.filter(([name]) => !aside.has(resourceType(name) ?? ''))
    for (let index = 0; index < Math.max(newest.length, others.length); index++) {
      if (index < newest.length) ranked.push(newest[index]!)
      if (index < others.length) ranked.push(this.#resource(others[index]![0]))
    }
    return bounded(ranked)
  }

  /** What a contract requires of a resource, as far as it is there. */
  required(contracts: ContractSet, about: readonly string[]): readonly PartReference[] {
    const references = about.flatMap((resource) => {
      const parts = contracts.get(resourceType(resource) ?? '')?.coordination.handoff.requires ?? []
      return parts.flatMap((part) => this.#partsOf(part, resource).map(partReference))
    })
    return [...new Set(references)]
  }

  #partsOf(part: HandoffPart, resource: string): readonly Candidate[] {
    switch (part) {
      case 'resource':
        return [this.#resource(resource)]
      case 'last-change': {
        const known = this.#resources.get(resource)
        return known === undefined ? [] : [known.changedBy]
      }
      case 'reservation': {
        const reservation = this.#reservation(resource)
        return reservation === null ? [] : [reservation]
      }
      case 'effects':
        return this.#effectsOf(resource)
    }
  }

  #around(resource: string): readonly Candidate[] {
    return (['reservation', 'effects', 'last-change'] as const).flatMap((part) => this.#partsOf(part, resource))
  }

  #resource(resource: string): Candidate {
    const known = this.#resources.get(resource)
    if (known === undefined) return { kind: 'resource', resource, version: 0, state: null, data: null }
    const { data, state, version } = known
    return { kind: 'resource', resource, version, state, data }
  }

  /** Null where nobody holds it, or no more. */
  #reservation(resource: string): Candidate | null {
    const known = this.#resources.get(`reservation/${resource}`)
    if (known?.state !== 'held') return null
    const { expiresMs, holder, token } = JSON.parse(known.data) as ReservationData
    return expiresMs <= this.#time ? null : { kind: 'reservation', resource, holder, fencingToken: token, expires: expiresMs }
  }

  #effect(name: string): Candidate | null {
    const known = this.#resources.get(name)
    if (known === undefined) return null
    const { action, agent, resource } = JSON.parse(known.data) as EffectData
    const status = known.state === 'pending' ? 'awaited' : (known.state as 'done' | 'failed' | 'unreported')
    return { kind: 'effect', effectId: name.slice('effect/'.length), resource, action, agent, status, reportBy: known.timer?.due ?? null }
  }

  #effectsOf(resource: string): readonly Candidate[] {
    return [...this.#resources.keys()].flatMap((name) => {
      const effect = name.startsWith('effect/') ? this.#effect(name) : null
      return effect?.kind === 'effect' && effect.resource === resource ? [effect] : []
    })
  }

  /** The newest, and those that made a resource what it is. */
  #allDecisions(): DecisionCandidate[] {
    return [...new Set([...this.#decisions, ...[...this.#resources.values()].map(({ changedBy }) => changedBy)])]
  }
}

/** The first of them, as many as a packet is compiled from; each once. */
function bounded(ranked: readonly Candidate[]): Collected {
  const candidates = new Map<PartReference, Candidate>()
  const all = new Set<PartReference>()
  let bytes = 0
  for (const candidate of ranked) {
    const reference = partReference(candidate)
    if (all.has(reference)) continue
    all.add(reference)
    // In UTF-8 a text of JSON has at most three bytes a unit.
    bytes += 3 * JSON.stringify(candidate).length
    if (candidates.size < candidateLimit && bytes <= candidateBytes) candidates.set(reference, candidate)
  }
  return { candidates: [...candidates.values()], notOffered: all.size - candidates.size }
}

function compareEvents(a: EventReference, b: EventReference): number {
  return a.offset - b.offset || a.index - b.index
}

const outcomes: Readonly<Partial<Record<Event['type'], DecisionOutcome>>> = {
  IntentCommitted: 'committed',
  IntentRejected: 'rejected',
  IntentPending: 'pending',
  IntentShadowed: 'shadowed',
  RuleApplied: 'rule',
}

/** Null for what tells nothing of its own: a duplicate, an opening, waiters looked at. */
function decisionOf(event: Event): DecisionCandidate | null {
  const outcome = outcomes[event.type]
  if (outcome === undefined) return null
  const { index, offset, partition, time } = event
  const common = { kind: 'decision', event: { partition, offset, index }, outcome, time } as const
  if (event.type === 'RuleApplied') {
    const { changes, message, rule } = event.payload
    const actions = changes.map(({ action, resource }) => ({ resource, action, input: null }))
    return {
      ...common,
      intentId: null,
      agent: null,
      actions,
      changes: versionsOf(changes),
      code: rule,
      message,
      correlationId: null,
      note: null,
    }
  }
  const payload = event.payload as Pick<IntentCommitted, 'intentId' | 'agent'> & {
    intent: string | null
    code?: string | null
    message?: string | null
  }
  const {
    actions = [],
    correlationId,
    note = null,
  } = JSON.parse(payload.intent ?? '{}') as {
    actions?: readonly { resource: string; action: string; input?: object }[]
    correlationId?: string
    note?: string | null
  }
  return {
    ...common,
    intentId: payload.intentId,
    agent: payload.agent,
    actions: actions.map(
      ({ action, input, resource }): DecisionAction => ({ resource, action, input: input === undefined ? null : JSON.stringify(input) }),
    ),
    changes: 'changes' in event.payload ? versionsOf(event.payload.changes) : [],
    code: payload.code ?? null,
    message: payload.message ?? null,
    correlationId: correlationId ?? payload.intentId,
    note,
  }
}

/** What is known of a decision that lies in other topics. */
function carriedDecision(resource: string, { action, agent, event, intentId, time, version }: PastChange): DecisionCandidate {
  const isRule = agent === 'signalbox' || agent === clockAgent
  return {
    kind: 'decision',
    event,
    outcome: isRule ? 'rule' : 'committed',
    time,
    intentId: isRule ? null : intentId,
    agent: isRule ? null : agent,
    actions: [{ resource, action, input: null }],
    changes: [{ resource, version }],
    code: null,
    message: null,
    correlationId: null,
    note: null,
  }
}

function versionsOf(changes: IntentCommitted['changes']) {
  return changes.map(({ resource, version }) => ({ resource, version }))
}
