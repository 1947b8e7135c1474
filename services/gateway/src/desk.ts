/**
 * The gateway without its sockets: takes intents to the log and brings their decisions back, and answers what is asked
 * of the read model. Programs that run in one process with the log use it directly.
 */
import type { Coordinator, ListQuery, SubmitOptions, WaitOptions } from '@signalbox/client'
import type { Codec } from '@signalbox/codec'
import {
  type ContractSet,
  type Decision,
  type Event,
  type EventReference,
  type ExplainedDecision,
  type ExplanationJson,
  type Intent,
  type Invalidation,
  intentFromJson,
  isOwnEvent,
  isRemembered,
  type Observation,
  parseEventReference,
  partitionOf,
  type Read,
  type Resource,
} from '@signalbox/contract'
import { explain, type PartitionState, type Rules, resourceKey } from '@signalbox/core'
import { type LoggedEvent, readEvent } from '@signalbox/event-log'
import type { Clock, Headers, Log } from '@signalbox/log'
import type { ReadModel, Source } from '@signalbox/partition-state'
import { type PersonalData, personalData } from '@signalbox/personal'
import {
  type DecisionFilter,
  decisions,
  embeddedIntent,
  explainDecision,
  formatPosition,
  listResources,
  presentCarried,
  presentDecision,
  presentExplanation,
  presentPending,
  presentResource,
  type ResourceFilter,
} from '@signalbox/presentation'
import { checkOffers } from './known-positions.ts'
import { Waiting } from './waiting.ts'
import { watchResources } from './watch.ts'

export interface DeskSettings {
  readonly log: Log
  readonly codec: Codec
  readonly rules: Rules
  readonly clock: Clock
  readonly readModel: ReadModel
  /** Encrypts what contracts mark as personal, and shows it. Left out: such data is refused, and shown as it lies in the log. */
  readonly personal?: PersonalData | undefined
}

export class Desk implements Coordinator {
  readonly #settings: DeskSettings
  readonly personal: PersonalData
  readonly source: Source
  readonly #waiting: Waiting
  // Decisions that came before their record's append was answered; kept only while appends are under way.
  readonly #early = new Map<string, LoggedEvent>()
  #appending = 0
  readonly #closing = new AbortController()
  readonly #unlisten: () => void

  constructor(settings: DeskSettings) {
    this.#settings = settings
    this.personal = settings.personal ?? personalData(null, settings.rules.contracts)
    this.source = { log: settings.log, codec: settings.codec, limits: settings.rules.limits, clock: settings.clock }
    this.#waiting = new Waiting(settings.clock)
    this.#unlisten = settings.readModel.listen((_partition, logged) => this.#deliver(logged))
  }

  get contracts(): ContractSet {
    return this.#settings.rules.contracts
  }

  get readModel(): ReadModel {
    return this.#settings.readModel
  }

  /** Intents whose decision somebody waits for. */
  get waiting(): number {
    return this.#waiting.size
  }

  async submit(asked: Intent, { headers, signal, waitMs }: SubmitOptions): Promise<Decision | null> {
    const { codec, log } = this.#settings
    const intent = this.#withDepth(this.personal.protect(asked))
    await checkOffers(this, intent)
    const partition = partitionOf(intent.scope, log.partitionCount)
    const untilMs = this.#settings.clock.nowMs() + waitMs
    const logged = await this.#appendAndWait(
      partition,
      { key: intent.scope, value: codec.encodeIntent(intent), headers: headers ?? {} },
      waitMs,
      signal,
    )
    if (logged === null) return null
    return this.personal.reveal(await this.#answer(await this.#settled(logged, untilMs, signal), intent.intentId))
  }

  /**
   * How far the cause is from the first of its chain, where any partition knows it: the one that decides may not be the one that the
   * cause lies on. It is no part of the body, so that the same intent over a gateway that knows less is the same.
   */
  #withDepth(intent: Intent): Intent {
    const { causationId } = intent
    if (causationId === null) return intent
    const { log, readModel } = this.#settings
    let depth = intent.causationDepth
    for (let partition = 0; partition < log.partitionCount; partition++) {
      const { coordination, time } = readModel.state(partition)
      const known = coordination.link(causationId, time)?.depth ?? null
      if (known !== null && (depth === null || known > depth)) depth = known
    }
    return depth === intent.causationDepth ? intent : { ...intent, causationDepth: depth }
  }

  /** What a pending intent came to, if it comes to anything within the time that is left; else that it is pending. */
  async #settled(logged: LoggedEvent, untilMs: number, signal: AbortSignal | undefined): Promise<LoggedEvent> {
    const { clock } = this.#settings
    const { event } = logged
    if (event.type !== 'IntentPending' || event.payload.reason === 'escalated') return logged
    // Its decision may have been read by now.
    const end = await this.#endOf(event.payload.intentId, event.partition, event)
    if (end !== null) return end
    const leftMs = untilMs - clock.nowMs()
    return leftMs <= 0 ? logged : ((await this.#waiting.wait(settleKey(event), leftMs, signal)) ?? logged)
  }

  /** What a pending intent came to. A refusal at the door may be of an earlier time, or of another body under its id. */
  async #endOf(intentId: string, partition: number, since: EventReference): Promise<LoggedEvent | null> {
    const found = this.#settings.readModel.decisionOf(intentId, partition)
    if (found === undefined) return null
    const logged = await readEvent(this.source, found.partition, found.logOffset)
    const settles = settledBy(logged.event)
    return settles !== null && settleKey(settles) === settleKey(since) ? logged : null
  }

  async #appendAndWait(
    partition: number,
    record: { key: string; value: Uint8Array; headers: Headers },
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<LoggedEvent | null> {
    const { log } = this.#settings
    this.#appending++
    let position: string
    try {
      const appended = await log.append(partition, record)
      position = `${partition}/${appended.offset}`
    } finally {
      this.#appending--
      // The map is read below in the same tick for the last of them, so it is cleared after that.
      if (this.#appending === 0) queueMicrotask(() => this.#appending === 0 && this.#early.clear())
    }
    const early = this.#early.get(position)
    if (early !== undefined) return early
    if (waitMs <= 0) return null
    return await this.#waiting.wait(position, waitMs, signal)
  }

  #deliver(logged: LoggedEvent): void {
    const { event } = logged
    const settles = settledBy(event)
    if (settles !== null) this.#waiting.deliver(settleKey(settles), logged)
    if (!isOwnEvent(event)) return
    const position = `${event.partition}/${event.offset}`
    if (!this.#waiting.deliver(position, logged) && this.#appending > 0) this.#early.set(position, logged)
  }

  async #answer(logged: LoggedEvent, intentId: string): Promise<Decision> {
    if (logged.event.type !== 'IntentDuplicated') return presentDecision(logged.event, logged.logOffset)!
    // In that very partition: elsewhere the same id may stand for another intent.
    const found = this.#settings.readModel.decisionOf(intentId, logged.event.partition)
    const { event: duplicate } = logged
    const state = this.#settings.readModel.state(duplicate.partition)
    const pending = state.coordination.pending.get(intentId)
    // Before anything else that was ever said of the id: another body under it may have been refused meanwhile.
    if (duplicate.type === 'IntentDuplicated' && duplicate.payload.outcome === 'pending' && pending !== undefined)
      return { ...presentPending(duplicate.partition, pending, logged.logOffset + 1, duplicate.time), duplicate: true }
    if (duplicate.type === 'IntentDuplicated' && isEarlier(duplicate.payload.decision, state)) {
      // What was pending when the log came here may have ended since.
      const end = await this.#endOf(intentId, duplicate.partition, duplicate.payload.decision)
      return end === null
        ? presentCarried(duplicate, logged.logOffset, state)
        : { ...presentDecision(end.event, end.logOffset)!, duplicate: true }
    }
    const event = found === undefined ? null : await readEvent(this.source, found.partition, found.logOffset)
    const first = event === null ? null : presentDecision(event.event, event.logOffset)
    if (first === null)
      throw new Error(
        `intent ${intentId} is a duplicate of a decision that the log does not have; run signalbox status and keep a copy of the log`,
      )
    return { ...first, duplicate: true }
  }

  async decision(intentId: string, { signal, waitMs = 0 }: WaitOptions = {}): Promise<Decision | null> {
    return this.personal.reveal(await this.#decision(intentId, waitMs, signal))
  }

  async #decision(intentId: string, waitMs: number, signal: AbortSignal | undefined): Promise<Decision | null> {
    const logged = await this.#logged(intentId)
    const pending = this.#pending(intentId)
    // A refusal at the door left the id free, and it is pending since.
    const isRefusal = logged?.event.type === 'IntentRejected' && !isRemembered(logged.event.payload.code)
    if (logged !== null && (pending === null || !isRefusal)) return presentDecision(logged.event, logged.logOffset)
    const since = pending === null ? null : parseEventReference(pending.event)
    if (since === null || waitMs <= 0) return pending
    const settled = await this.#waiting.wait(settleKey(since), waitMs, signal)
    return settled === null ? pending : presentDecision(settled.event, settled.logOffset)
  }

  /** The decision on an intent, or that it is pending, and the intent as it lies in the log; null where it is not known. */
  async submitted(intentId: string): Promise<{ readonly decision: Decision; readonly intent: Intent | null } | null> {
    const decision = await this.decision(intentId)
    if (decision === null) return null
    const { log, readModel } = this.#settings
    const pending = readModel.state(partitionOf(decision.scope, log.partitionCount)).coordination.pending.get(intentId)
    const logged = pending === undefined ? await this.#logged(intentId) : null
    const intent = pending === undefined ? (logged === null ? null : embeddedIntent(logged.event)) : JSON.parse(pending.intent)
    return { decision, intent: intent === null ? null : intentFromJson(intent) }
  }

  nowMs(): number {
    return this.#settings.clock.nowMs()
  }

  #pending(intentId: string): Decision | null {
    const { log, readModel } = this.#settings
    for (let partition = 0; partition < log.partitionCount; partition++) {
      const state = readModel.state(partition)
      const pending = state.coordination.pending.get(intentId)
      if (pending !== undefined) return presentPending(partition, pending, readModel.position(partition), state.time)
    }
    return null
  }

  async #logged(intentId: string): Promise<LoggedEvent | null> {
    const found = this.#settings.readModel.decisionOf(intentId)
    return found === undefined ? null : await readEvent(this.source, found.partition, found.logOffset)
  }

  async explain(intentId: string): Promise<ExplainedDecision | null> {
    const logged = await this.#logged(intentId)
    return logged === null ? null : this.personal.reveal(await explainDecision(this.source, this.#settings.rules, logged))
  }

  /** What would be decided now, and why. Writes nothing. */
  async dryRun(asked: Intent): Promise<ExplanationJson> {
    const { clock, log, readModel, rules } = this.#settings
    const intent = this.#withDepth(this.personal.protectTrial(asked))
    const state = readModel.state(partitionOf(intent.scope, log.partitionCount))
    const record = { offset: state.nextOffset, timestampMs: clock.nowMs(), intent, problem: null }
    return this.personal.reveal(presentExplanation(explain(state, record, rules)))
  }

  async observe(
    scope: string,
    resources: readonly string[],
    options: WaitOptions & { readonly atLeast?: number } = {},
  ): Promise<Observation | null> {
    const { log, readModel, rules } = this.#settings
    const partition = partitionOf(scope, log.partitionCount)
    const { atLeast, signal, waitMs = 10_000 } = options
    if (atLeast !== undefined && !(await readModel.reached(partition, atLeast, waitMs, signal))) return null
    // Read in one go: nothing can be applied in between.
    const state = readModel.state(partition)
    return this.personal.reveal({
      scope,
      position: formatPosition(partition, readModel.position(partition)),
      time: state.time,
      resources: resources.map((resource) =>
        presentResource(scope, resource, state.resource(resourceKey(scope, resource)), rules.contracts),
      ),
    })
  }

  watch(scope: string, reads: readonly Read[], { signal }: { readonly signal: AbortSignal }): AsyncIterable<Invalidation> {
    const { log, readModel } = this.#settings
    return watchResources(readModel, partitionOf(scope, log.partitionCount), scope, reads, AbortSignal.any([signal, this.#closing.signal]))
  }

  resources(filter: ResourceFilter, limit: number): readonly Resource[] {
    const { log, readModel } = this.#settings
    const found: Resource[] = []
    const only = filter.scope === undefined ? null : partitionOf(filter.scope, log.partitionCount)
    for (let partition = 0; partition < log.partitionCount && found.length < limit; partition++) {
      if (only === null || partition === only)
        found.push(...listResources(readModel.state(partition), filter, this.#settings.rules.contracts))
    }
    return this.personal.reveal(found.slice(0, limit))
  }

  /** The newest decisions that the filter asks for, oldest first. */
  async decisions(filter: DecisionFilter & ListQuery): Promise<readonly Decision[]> {
    const newest: Decision[] = []
    for await (const decision of decisions(this.source, filter)) {
      newest.push(decision)
      if (newest.length > filter.limit) newest.shift()
    }
    return this.personal.reveal(newest)
  }

  async close(): Promise<void> {
    this.#closing.abort('closed')
    this.#waiting.close()
    this.#unlisten()
  }
}

/** Whether an event lies in other topics, from which the log came here. */
function isEarlier({ offset }: EventReference, { origin }: PartitionState): boolean {
  return origin !== null && offset < origin.begins.at(-1)!
}

/** The event that said it was pending, of a decision that ends that. */
function settledBy(event: Event): EventReference | null {
  return event.type === 'IntentCommitted' || event.type === 'IntentRejected' ? event.payload.settles : null
}

function settleKey({ index, offset, partition }: EventReference): string {
  return `settles ${partition}/${offset}/${index}`
}
