/** A plain model of one partition: intents in log order in, what must have become of each out. */
import type { Event } from '@signalbox/contract'
import { type Asked, type BuiltInAnswer, builtInAnswer, isBuiltIn, isReport, lapsed, leaseInForce, type Made } from './built-in.ts'
import { changeOf, type Expected, type ModelChange, type ModelRecord, type ModelSettings } from './expected.ts'
import type { ModelAction, ModelIntent, PlainObject } from './intent.ts'
import { isOwn, Ledger, type ModelPending } from './ledger.ts'
import { modelPartitionOf } from './partitions.ts'
import { type ModelResource, type ModelRule, type ModelTimer, modelTypes, type RuleContext } from './rules.ts'

type Refusal = Partial<Pick<Expected, 'resource' | 'expectedVersion' | 'actualVersion' | 'movedBy' | 'missed'>> & { readonly code: string }

interface Planned {
  readonly action: ModelAction
  /** Null: an action of Signalbox's own. */
  readonly rule: ModelRule | null
  readonly input: PlainObject
  readonly before: ModelResource | undefined
}

interface Result extends Planned {
  readonly made: Made | null
}

type Answer = Refusal | 'followed' | { readonly results: readonly Result[]; readonly preempted: readonly string[] }

const waitable = new Set(['RESERVED', 'BEHIND_WAITERS', 'STATE_CONFLICT', 'GUARD_REFUSED', 'INVARIANT_VIOLATED'])
const defaultWaiting = { queue: 64, bypasses: 16, deadlineMs: 60_000 }
const levelsMs = 6_000

function typeOf(resource: string): string {
  return resource.slice(0, resource.indexOf('/'))
}

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const agentPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$/
const resourcePattern = /^[a-z][a-z0-9-]{0,63}\/./
// These leave the id free for the mended intent.
const atTheDoor = new Set([
  'DEAD_LETTERED',
  'WRONG_PARTITION',
  'INTENT_MALFORMED',
  'INTENT_ID_INVALID',
  'INTENT_EXPIRED',
  'INTENT_FROM_THE_FUTURE',
  'INTENT_ID_REUSED',
])

export class Model {
  readonly #partition: number
  readonly #settings: ModelSettings
  readonly #decided = new Map<string, { readonly canonical: string; readonly offset: number; readonly code: string | null }>()
  readonly ledger = new Ledger()
  nextOffset = 0

  constructor(partition: number, settings: ModelSettings) {
    this.#partition = partition
    this.#settings = settings
  }

  get time(): number {
    return this.ledger.time
  }

  find(scope: string, resource: string): ModelResource | undefined {
    return this.ledger.find(scope, resource)
  }

  /** Every resource, by `scope\nresource`. */
  get resources(): ReadonlyMap<string, ModelResource> {
    return this.ledger.resources
  }

  /** What must become of a record's own intent, as things are. */
  expect({ intent }: Pick<ModelRecord, 'intent'>): Expected {
    if (intent === null) return this.#rejected({ code: 'DEAD_LETTERED' }, null)
    const refusal = this.#door(intent)
    if (refusal !== null) return this.#rejected(refusal, this.#isOversized(intent) ? null : intent.canonical)
    const before = this.#decided.get(intent.intentId)
    if (before !== undefined) {
      if (before.canonical !== intent.canonical) return this.#rejected({ code: 'INTENT_ID_REUSED' }, intent.canonical)
      return { ...this.#blank(), outcome: 'duplicate', code: before.code, duplicateOf: before.offset }
    }
    return this.decide(intent, false)
  }

  /** What must become of an intent that got through the door. `isAgreed`: a human has agreed. */
  decide(intent: ModelIntent, isAgreed: boolean): Expected {
    const answer = this.#outcome(intent, isAgreed)
    if (answer === 'followed') return { ...this.#blank(), outcome: 'followed', embedded: intent.canonical }
    if ('code' in answer) {
      const isVerdict = intent.actions.some(({ resource }) => resource.startsWith('escalation/'))
      if (intent.onConflict === 'reject' || isVerdict || !waitable.has(answer.code)) return this.#rejected(answer, intent.canonical)
      const own = intent.actions.map(
        ({ resource }) => modelTypes.get(typeOf(resource.replace(/^reservation\//, '')))?.waiting ?? defaultWaiting,
      )
      const levels = intent.actions.some(({ resource }) => typeOf(resource) === 'refund') ? levelsMs : 3_600_000
      const forMs = intent.onConflict === 'escalate' ? levels : Math.min(...own.map(({ deadlineMs }) => deadlineMs))
      return this.#pending(intent, answer.code, forMs)
    }
    const asks = answer.results.some(({ before, rule }) => before !== undefined && rule?.asks?.(before) === true)
    if (asks && !isAgreed) return this.#pending(intent, 'LARGE', levelsMs)
    return { ...this.#blank(), outcome: 'committed', changes: this.#changes(intent, answer), embedded: intent.canonical }
  }

  #pending(intent: ModelIntent, code: string, forMs: number): Expected {
    const isKnown = this.ledger.pending.has(intent.intentId)
    for (const { resource } of isKnown ? [] : intent.actions) {
      const { queue } = modelTypes.get(typeOf(resource.replace(/^reservation\//, '')))?.waiting ?? defaultWaiting
      if (this.ledger.waitersFor(intent.scope, resource).length >= queue)
        return this.#rejected({ code: 'WAIT_QUEUE_FULL', resource }, intent.canonical)
    }
    const untilMs = Math.min(intent.deadline ?? Number.MAX_SAFE_INTEGER, this.time + forMs)
    return { ...this.#blank(), outcome: 'pending', code, untilMs, embedded: intent.canonical }
  }

  /** Moves time to a record's, before anything of it is judged. */
  begin({ offset, timestampMs }: Pick<ModelRecord, 'offset' | 'timestampMs'>): void {
    this.nextOffset = offset + 1
    this.ledger.time = Math.max(this.ledger.time, timestampMs)
  }

  /** Takes an event for what it says, after it was judged. */
  apply(event: Event): void {
    this.ledger.apply(event)
    if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected' && event.type !== 'IntentPending') return
    const { intent, intentId } = event.payload
    const code = event.type === 'IntentCommitted' ? null : event.payload.code
    // What threw when it was decided again leaves its id free.
    if (event.type === 'IntentRejected' && event.payload.settles !== null && atTheDoor.has(code!)) this.#decided.delete(intentId ?? '')
    if (intentId === null || intent === null || (event.type === 'IntentRejected' && atTheDoor.has(code!))) return
    this.#decided.set(intentId, { canonical: intent, offset: event.offset, code: event.type === 'IntentPending' ? null : code })
  }

  /** What the clock must do to a resource now; `followed` where the model does not say. */
  timed(scope: string, resource: string): readonly ModelChange[] | 'followed' {
    const before = this.find(scope, resource)!
    const made = lapsed(typeOf(resource), before, this.time)
    return made === null ? 'followed' : [changeOf(resource, before.timer!.action, before, made)]
  }

  /** Those that wait although the model would commit them as things are. */
  overlooked(): readonly ModelPending[] {
    return [...this.ledger.pending.values()].filter(
      ({ intent, isEscalated }) => !isEscalated && this.decide(intent, false).outcome === 'committed',
    )
  }

  #blank(): Omit<Expected, 'outcome'> {
    const nothing = {
      code: null,
      resource: null,
      expectedVersion: null,
      actualVersion: null,
      movedBy: null,
      duplicateOf: null,
      embedded: null,
      untilMs: null,
    }
    return { ...nothing, time: this.time, missed: [], changes: [] }
  }

  #rejected(refusal: Refusal, embedded: string | null): Expected {
    return { ...this.#blank(), outcome: 'rejected', ...refusal, embedded }
  }

  #isOversized({ actions, canonical }: ModelIntent): boolean {
    return actions.length > this.#settings.maxActions || Buffer.byteLength(canonical) > this.#settings.maxIntentBytes
  }

  #door(intent: ModelIntent): Refusal | null {
    const { agent, actions, intentId, scope } = intent
    const { horizonMs, partitionCount, skewMs } = this.#settings
    if (modelPartitionOf(scope, partitionCount) !== this.#partition) return { code: 'WRONG_PARTITION' }
    const isMalformed =
      !agentPattern.test(agent) ||
      actions.length === 0 ||
      this.#isOversized(intent) ||
      actions.some(({ resource }) => !resourcePattern.test(resource))
    if (isMalformed) return { code: 'INTENT_MALFORMED' }
    if (!idPattern.test(intentId)) return { code: 'INTENT_ID_INVALID' }
    const idTimeMs = Number.parseInt(intentId.slice(0, 8) + intentId.slice(9, 13), 16)
    if (idTimeMs > this.time + skewMs) return { code: 'INTENT_FROM_THE_FUTURE' }
    if (idTimeMs < this.time - horizonMs && !this.ledger.pending.has(intentId)) return { code: 'INTENT_EXPIRED' }
    return null
  }

  #outcome(intent: ModelIntent, isAgreed: boolean): Answer {
    if (!isAgreed && intent.deadline !== null && intent.deadline < this.time) return { code: 'DEADLINE_PASSED' }
    const { agent } = intent
    const isKnown = this.#settings.agents.some((each) => each === agent || (each.endsWith('*') && agent.startsWith(each.slice(0, -1))))
    if (!isKnown && !isOwn(agent)) return { code: 'AGENT_UNKNOWN' }
    const isTick = intent.actions.every(({ resource }) => resource.startsWith('clock/'))
    if ((agent === 'clock' && !isTick) || agent === 'signalbox') return { code: 'AGENT_NOT_ALLOWED' }
    if (this.ledger.quarantined.has(agent) && !intent.actions.every(isReport)) return { code: 'AGENT_QUARANTINED' }
    const planned: Planned[] = []
    for (const action of intent.actions) {
      const plan = this.#plan(intent, action, planned)
      if ('code' in plan) return plan
      planned.push(plan)
    }
    const stale = this.#stale(intent, planned)
    if (stale !== null) return stale
    const leases = this.#leases(intent, planned)
    if ('code' in leases) return leases
    const behind = this.#behind(intent, planned)
    if (behind !== null) return behind
    return this.#effects(intent, planned, leases.preempted)
  }

  #plan(intent: ModelIntent, action: ModelAction, planned: readonly Planned[]): Planned | Refusal {
    const { resource } = action
    const before = this.find(intent.scope, resource)
    const type = modelTypes.get(typeOf(resource))
    if (type === undefined && isBuiltIn(resource)) return { action, rule: null, input: action.input, before }
    if (type === undefined) return { code: 'CONTRACT_UNKNOWN', resource }
    const rule = Object.hasOwn(type.rules, action.action) ? type.rules[action.action] : undefined
    if (rule === undefined) return { code: 'ACTION_UNKNOWN', resource }
    if (rule.agents !== undefined && !rule.agents.includes(intent.agent)) return { code: 'AGENT_NOT_ALLOWED', resource }
    if (planned.some((other) => other.action.resource === resource)) return { code: 'RESOURCE_REPEATED', resource }
    const input = rule.input(action.input)
    if (input === null) return { code: 'INPUT_INVALID', resource }
    return { action, rule, input, before }
  }

  /** Whoever holds a lease on what is acted on: the intent must be under it, or stronger. */
  #leases(intent: ModelIntent, planned: readonly Planned[]): Refusal | { readonly preempted: readonly string[] } {
    let isUnder = false
    let ended: string | null = null
    const preempted: string[] = []
    for (const { action, before, rule } of planned) {
      const { resource } = action
      if (rule === null) {
        if (resource.startsWith('reservation/') && before?.data.lease === intent.reservation) isUnder = true
        continue
      }
      const last = this.find(intent.scope, `reservation/${resource}`)?.data
      const held = leaseInForce(this.ledger, intent.scope, resource, this.time)
      if (last !== undefined && last.lease === intent.reservation) {
        if (held === null) ended = resource
        else isUnder = true
      } else if (held !== null) {
        const priority = Math.min(intent.priority ?? 0, rule.mostPriority ?? 0)
        if (rule.mostPriority !== undefined && priority > (held.priority as number)) preempted.push(resource)
        else if (!isOwn(intent.agent)) return { code: 'RESERVED', resource }
      }
    }
    if (intent.reservation === null || isUnder) return { preempted }
    return ended === null ? { code: 'RESERVATION_UNKNOWN' } : { code: 'RESERVATION_EXPIRED', resource: ended }
  }

  /** Whoever was passed by too often goes first. */
  #behind(intent: ModelIntent, planned: readonly Planned[]): Refusal | null {
    const mine = this.ledger.pending.get(intent.intentId)
    for (const { action, rule } of planned) {
      const { resource } = action
      const isLease = resource.startsWith('reservation/')
      if (rule === null && !isLease) continue
      const { bypasses } = modelTypes.get(typeOf(resource.replace(/^reservation\//, '')))?.waiting ?? defaultWaiting
      const held = leaseInForce(this.ledger, intent.scope, resource, this.time)
      if (held !== null && held.lease === intent.reservation) continue
      for (const waiter of this.ledger.waitersFor(intent.scope, resource)) {
        if (waiter.intent.intentId === intent.intentId || waiter.bypassed < bypasses) continue
        const asksTheSame = waiter.intent.actions.some((each) => each.action === action.action && each.resource === resource)
        const isLengthened = isLease && (action.action === 'take' || action.action === 'renew')
        if (!asksTheSame && !(isLengthened && waiter.code === 'RESERVED' && waiter.intent.agent !== intent.agent)) continue
        if (mine === undefined || mine.offset > waiter.offset || (mine.offset === waiter.offset && mine.index > waiter.index))
          return { code: 'BEHIND_WAITERS', resource }
      }
    }
    return null
  }

  #stale(intent: ModelIntent, planned: readonly Planned[]): Refusal | null {
    for (const { action, before, rule } of planned) {
      if (rule === null || rule.commutes === true) continue
      const read = intent.reads.find(({ resource }) => resource === action.resource)
      const expected = action.expectedVersion ?? read?.version ?? null
      if (expected === null) {
        if (before === undefined || rule.from.includes('none')) continue
        return { code: 'VERSION_REQUIRED', resource: action.resource, actualVersion: before.version }
      }
      const refusal = this.#moved('STALE_VERSION', action.resource, expected, before)
      if (refusal !== null) return refusal
    }
    for (const { resource, version } of intent.reads) {
      if (planned.some(({ action }) => action.resource === resource)) continue
      const refusal = this.#moved('STALE_READ', resource, version, this.find(intent.scope, resource))
      if (refusal !== null) return refusal
    }
    return null
  }

  #moved(code: string, resource: string, expectedVersion: number, current: ModelResource | undefined): Refusal | null {
    const actualVersion = current?.version ?? 0
    if (actualVersion === expectedVersion) return null
    const missed = (current?.history ?? []).map(({ version }) => version).filter((version) => version > expectedVersion)
    return {
      code: expectedVersion > actualVersion ? 'VERSION_FROM_THE_FUTURE' : code,
      resource,
      expectedVersion,
      actualVersion,
      movedBy: current?.history.at(-1)?.intentId ?? null,
      missed: missed.slice(-this.#settings.missed),
    }
  }

  #effects(intent: ModelIntent, planned: readonly Planned[], preempted: readonly string[]): Answer {
    const refuse = (code: string, { action, before }: Planned): Refusal => ({
      code,
      resource: action.resource,
      actualVersion: before?.version ?? null,
      movedBy: before?.history.at(-1)?.intentId ?? null,
    })
    const contextOf = (each: Planned): RuleContext => ({
      input: each.input,
      before: each.before,
      find: (resource) => this.find(intent.scope, resource),
      beside: (resource, action) => planned.find((other) => other.action.resource === resource && other.action.action === action)?.input,
    })
    const answers = new Map<Planned, BuiltInAnswer>()
    for (const each of planned) {
      if (each.rule !== null) continue
      const asked: Asked = { intent, action: each.action, before: each.before, ledger: this.ledger, nowMs: this.time }
      const answer = builtInAnswer(asked)
      if (answer === 'followed') return answer
      answers.set(each, answer)
    }
    for (const each of planned) {
      const answer = answers.get(each)
      if (answer !== undefined && answer !== 'followed' && 'code' in answer && answer.code === 'STATE_CONFLICT')
        return refuse('STATE_CONFLICT', each)
      if (each.rule !== null && !each.rule.from.includes(each.before?.state ?? 'none')) return refuse('STATE_CONFLICT', each)
    }
    for (const each of planned) {
      const answer = answers.get(each)
      if (answer !== undefined && answer !== 'followed' && 'code' in answer) return aboutLease(answer.code, each, refuse)
      if (each.rule?.guard !== undefined && !each.rule.guard(contextOf(each))) return refuse('GUARD_REFUSED', each)
    }
    const results: Result[] = []
    for (const each of planned) {
      const answer = answers.get(each)
      if (answer !== undefined) {
        results.push({ ...each, made: answer !== 'followed' && 'made' in answer ? answer.made : null })
        continue
      }
      const data = each.rule!.after(contextOf(each))
      if (data === 'throws') return { code: 'DEAD_LETTERED' }
      results.push({ ...each, made: { state: each.rule!.to ?? each.before!.state, data, timer: this.#timerAfter(each) } })
    }
    for (const each of results) {
      const type = modelTypes.get(typeOf(each.action.resource))
      if (type !== undefined && !type.holds(each.made!.data)) return refuse('INVARIANT_VIOLATED', each)
    }
    return { results, preempted }
  }

  #timerAfter({ action, before, rule }: Planned): ModelTimer | null {
    const to = rule!.to
    if (to === null) return before?.timer ?? null
    const after = modelTypes.get(typeOf(action.resource))!.after?.[to]
    return after === undefined ? null : { due: this.time + after.ms, action: after.action }
  }

  /** With what follows in the same commit: effects that begin, and leases that end. */
  #changes(intent: ModelIntent, { preempted, results }: Exclude<Answer, Refusal | 'followed'>): readonly ModelChange[] {
    const asked = results.flatMap(({ action, before, made }) =>
      made === null ? [] : [changeOf(action.resource, action.action, before, made)],
    )
    const effects = results.flatMap(({ action, rule }, index) => {
      const reportWithinMs = rule?.reportWithinMs
      if (reportWithinMs === undefined) return []
      const { agent, intentId } = intent
      const data = {
        agent,
        intentId,
        resource: action.resource,
        action: action.action,
        undo: null,
        idempotent: false,
        reportWithinMs,
        attempt: 1,
        attempts: 3,
        result: null,
      }
      const timer = { due: this.time + reportWithinMs, action: 'lapse' }
      return [changeOf(`effect/${intentId}-${index}`, 'start', undefined, { state: 'pending', data, timer })]
    })
    const ended = preempted.map((resource) => {
      const before = this.find(intent.scope, `reservation/${resource}`)!
      const made = { state: 'ended', data: { ...before.data, expiresMs: this.time }, timer: null }
      return changeOf(`reservation/${resource}`, 'preempt', before, made)
    })
    return [...asked, ...effects, ...ended]
  }
}

/** A lease that is over or another's is told without versions, and by the name of what it is on. */
function aboutLease(code: string, each: Planned, refuse: (code: string, each: Planned) => Refusal): Refusal {
  return code === 'GUARD_REFUSED' ? refuse(code, each) : { code, resource: each.action.resource.slice('reservation/'.length) }
}
