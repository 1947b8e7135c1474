/** A plain model of one partition: intents in log order in, what must have become of each out. */
import type { Event } from '@signalbox/contract'
import { lapsed } from './built-in.ts'
import { waitingOf } from './checks.ts'
import { changeOf, type Expected, type ModelChange, type ModelRecord, type ModelSettings, type Question, type Refusal } from './expected.ts'
import { generationLog, isReopening } from './generation.ts'
import { bodyOf, type ModelIntent } from './intent.ts'
import { atTheDoor, Ledger, type ModelPending } from './ledger.ts'
import { budgetOf } from './limits.ts'
import { changesOf, driftsOf, outcome } from './outcome.ts'
import { modelPartitionOf } from './partitions.ts'
import type { Subject } from './planned.ts'
import { levelsOf } from './questions.ts'
import type { ModelResource } from './rules.ts'
import { onTrial } from './shadow.ts'

const waitable = new Set(['RESERVED', 'BEHIND_WAITERS', 'STATE_CONFLICT', 'GUARD_REFUSED', 'INVARIANT_VIOLATED'])

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const agentPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$/
const resourcePattern = /^[a-z][a-z0-9-]{0,63}\/./

interface Remembered {
  readonly canonical: string
  readonly offset: number
  readonly code: string | null
}

export class Model {
  readonly partition: number
  readonly settings: ModelSettings
  readonly #decided = new Map<string, Remembered>()
  readonly ledger: Ledger
  /** The scope in which the partition keeps what concerns all of it. */
  readonly systemScope: string
  nextOffset = 0

  /** `log`: which one, where one goes on from another. */
  constructor(partition: number, settings: ModelSettings, log = 0) {
    this.partition = partition
    this.settings = settings
    this.ledger = new Ledger(settings.windowMs, { log, partition })
    let number = 0
    while (modelPartitionOf(`~partition/${partition}/${number}`, settings.partitionCount) !== partition) number++
    this.systemScope = `~partition/${partition}/${number}`
  }

  get time(): number {
    return this.ledger.time
  }

  /** Whether the log goes on elsewhere: then nothing is decided here, and nothing happens by itself. */
  get isClosed(): boolean {
    return this.find(this.systemScope, generationLog)?.state === 'closed'
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
    const before = this.#known(intent.intentId)
    if (before !== undefined) {
      if (bodyOf(before.canonical) !== bodyOf(intent.canonical)) return this.#rejected({ code: 'INTENT_ID_REUSED' }, intent.canonical)
      return { ...this.#blank(), outcome: 'duplicate', code: before.code, duplicateOf: before.offset }
    }
    if (this.isClosed && !isReopening(intent)) return this.#rejected({ code: 'GENERATION_CLOSED' }, intent.canonical)
    return this.decide(intent)
  }

  /** What must become of an intent that got through the door, or of one that is pending. */
  decide(intent: ModelIntent): Expected {
    const subject = this.#subject(intent, null, false)
    const expected = this.#judged(subject)
    const by = onTrial(subject, this.settings.containment)
    if (by !== null && !subject.isKnown) {
      const { amount: _amount, changes, code, resource } = expected
      return { ...this.#blank(), outcome: 'shadowed', by, changes, code, resource, embedded: intent.canonical }
    }
    const { code, question } = expected
    if (code !== null) {
      const isOfTheMoment = intent.actions.some(({ resource }) => /^(escalation|generation|intent)\//.test(resource))
      if (intent.onConflict === 'reject' || isOfTheMoment || !waitable.has(code)) return expected
      const asked = { cause: code, resource: expected.resource, to: null, approvals: 1 }
      return this.#pending(subject, code, intent.onConflict === 'escalate' ? asked : null)
    }
    return question === null ? expected : this.#pending(subject, question.cause, question)
  }

  /** What must become of a pending intent, or of what stands in its place, humans having agreed to the world of these versions. */
  decideAgreed(intent: ModelIntent, agreed: ReadonlyMap<string, number>): Expected {
    const subject = this.#subject(intent, agreed, true)
    const expected = this.#judged(subject)
    if (expected.code !== null || onTrial(subject, this.settings.containment) === null) return expected
    return this.#rejected({ code: 'WITHDRAWN' }, intent.canonical)
  }

  /** Moves time to a record's, before anything of it is judged. */
  begin({ offset, timestampMs }: Pick<ModelRecord, 'offset' | 'timestampMs'>): void {
    this.nextOffset = offset + 1
    this.ledger.time = Math.max(this.ledger.time, timestampMs)
  }

  /** From a log before this one. Ids are of no scope: the first that was decided anywhere uses one up everywhere. */
  takeOver(from: Model, isHere: (scope: string) => boolean): void {
    this.ledger.takeOver(from.ledger, isHere)
    for (const [id, remembered] of from.#decided) this.#remember(id, remembered)
  }

  /** Takes an event for what it says, after it was judged. */
  apply(event: Event): void {
    if (this.isClosed && event.type === 'IntentRejected') this.ledger.passOver(event)
    else this.ledger.apply(event)
    if (event.type === 'IntentShadowed') {
      const { intent, intentId } = event.payload
      this.#remember(intentId, { canonical: intent, offset: event.offset, code: null })
    }
    if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') return
    const { intent, intentId } = event.payload
    const code = event.type === 'IntentCommitted' ? null : event.payload.code
    if (intentId === null || intent === null || (code !== null && atTheDoor.has(code))) return
    this.#remember(intentId, { canonical: intent, offset: event.offset, code })
  }

  /** The first stays. */
  #remember(intentId: string, remembered: Remembered): void {
    if (!this.#decided.has(intentId)) this.#decided.set(intentId, remembered)
  }

  /** What is known of an id: that its intent is pending, or what it came to. */
  #known(intentId: string): Remembered | undefined {
    const pending = this.ledger.pending.get(intentId)
    if (pending === undefined) return this.#decided.get(intentId)
    return { canonical: pending.intent.canonical, offset: pending.offset, code: null }
  }

  /** What the clock must do to a resource now. */
  timed(scope: string, resource: string): readonly ModelChange[] {
    const before = this.find(scope, resource)!
    const made = lapsed(resource, before, this.time, this.settings.containment)
    return made === null ? [] : [changeOf(resource, before.timer!.action, before, made)]
  }

  /** Those that wait although the model would not let them wait as things are. */
  overlooked(): readonly ModelPending[] {
    return [...this.ledger.pending.values()].filter(
      ({ intent, isEscalated }) => !isEscalated && this.decide(intent).outcome === 'committed',
    )
  }

  #subject(intent: ModelIntent, agreed: Subject['agreed'], isKnown: boolean): Subject {
    const { ledger } = this
    return { intent, ledger, agreed, isKnown: isKnown || ledger.pending.has(intent.intentId), planned: [] }
  }

  /** What would become of it if nothing were on trial and nobody waited. */
  #judged(subject: Subject): Expected {
    const { intent } = subject
    const answer = outcome(subject, this)
    if ('code' in answer) return this.#rejected(answer, intent.canonical)
    const { amount, question } = answer
    const changes = changesOf(subject, answer)
    return { ...this.#blank(), outcome: 'committed', amount, changes, question, drifts: driftsOf(subject), embedded: intent.canonical }
  }

  #pending({ intent, isKnown, ledger }: Subject, code: string, question: Question | null): Expected {
    const { agent, scope } = intent
    for (const { resource } of isKnown ? [] : intent.actions) {
      if (ledger.waitersFor(scope, resource).length >= waitingOf(resource).queue)
        return this.#rejected({ code: 'WAIT_QUEUE_FULL', resource }, intent.canonical)
    }
    const { containment, pendingAnAgent } = this.settings
    const most = budgetOf(agent, containment)?.pending ?? pendingAnAgent
    if (!isKnown && ledger.pendingOf(scope, agent) >= most) return this.#rejected({ code: 'BUDGET_EXCEEDED' }, intent.canonical)
    const waits = () => Math.min(...intent.actions.map(({ resource }) => waitingOf(resource).deadlineMs))
    const forMs = question === null ? waits() : levelsOf(intent, question.to, containment).reduce((sum, { withinMs }) => sum + withinMs, 0)
    const untilMs = Math.min(intent.deadline ?? Number.MAX_SAFE_INTEGER, this.time + forMs)
    return { ...this.#blank(), outcome: 'pending', code, question, untilMs, embedded: intent.canonical }
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
      amount: null,
      question: null,
      by: null,
    }
    return { ...nothing, time: this.time, missed: [], changes: [], drifts: [], isRenewed: false }
  }

  #rejected(refusal: Refusal, embedded: string | null): Expected {
    return { ...this.#blank(), outcome: 'rejected', ...refusal, embedded }
  }

  #isOversized({ actions, canonical }: ModelIntent): boolean {
    return actions.length > this.settings.maxActions || Buffer.byteLength(canonical) > this.settings.maxIntentBytes
  }

  #door(intent: ModelIntent): Refusal | null {
    const { agent, actions, intentId, scope } = intent
    const { horizonMs, partitionCount, skewMs } = this.settings
    if (modelPartitionOf(scope, partitionCount) !== this.partition) return { code: 'WRONG_PARTITION' }
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
}
