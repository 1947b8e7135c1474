/** Judges what a run left behind. Decides everything a second time, by the plain model; shares no code with the core. */
import { createCodec } from '@signalbox/codec'
import { type Decision, type Intent, isOwnEvent } from '@signalbox/contract'
import { carriedFromHeader } from '@signalbox/generation'
import type { LogRecord } from '@signalbox/log'
import type { MemoryLogStore } from '@signalbox/log-memory'
import { changesText } from './changes.ts'
import { checkCarried, checkLettersCarried } from './check-carried.ts'
import { checkDecisions, type Decided } from './check-decisions.ts'
import { LawsMemory } from './check-laws.ts'
import { checkLegs, checkLiveness } from './check-liveness.ts'
import { checkLog, type Report, type StoredEvent, storedRecords } from './check-log.ts'
import { checkNotifications } from './check-notifications.ts'
import { simulatedAgents, simulatedLimits } from './contracts.ts'
import type { Environment, GivenDecision } from './environment.ts'
import type { Era } from './era.ts'
import { isBuiltIn, typeOf } from './model/built-in.ts'
import type { ModelSettings } from './model/expected.ts'
import { bodyOf, type Plain, readIntentRecord, sortedText } from './model/intent.ts'
import { Model } from './model/model.ts'
import { modelsGoingOn } from './model/moving.ts'
import type { World } from './world.ts'

export interface Figures {
  readonly intents: number
  readonly decisions: number
  /** Decisions by what they are: `committed`, `duplicate`, or the code of a reject. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Changes in force of Signalbox's own resources: how often each went by which way, like `task claim: offered -> claimed`. */
  readonly ownWays: Readonly<Record<string, number>>
}

type Found = Decided & { readonly era: Era }

interface Judging {
  readonly decided: Map<string, Found>
  readonly ownWays: Record<string, number>
  readonly memory: LawsMemory
  intents: number
}

/** Everything but what the services hold in memory; call it last. The models are of the last log. */
export function checkWorld(world: World): Figures & { readonly models: readonly Model[] } {
  const { environment } = world
  const { eras, report } = environment
  const judging: Judging = { decided: new Map(), ownWays: {}, memory: new LawsMemory(), intents: 0 }
  let models: readonly Model[] = []
  for (const [number, era] of eras.entries()) {
    models = checkEra(world, era, models, judging)
    if (number > 0) checkLettersCarried(eras[number - 1]!, era, environment)
  }
  const { decided, intents, ownWays } = judging
  if (!world.violations.some(({ check }) => check === 'exactly one')) checkLiveness(models, report)
  const commits = [...decided.values()].flatMap(({ stored: { event } }) => (event.type === 'IntentCommitted' ? [event.payload] : []))
  checkLegs(
    commits.filter(({ intent }) => intent.includes('"note":"transfer ')),
    models,
    report,
  )
  if (world.cast.escalations.length > 0) checkNotifications(environment, world.receiver)
  for (const given of environment.givenDecisions) checkGiven(given, decided, environment)
  for (const era of eras) checkAcknowledgedIntents(era, era === eras.at(-1), decided, report)
  const outcomes: Record<string, number> = {}
  let decisions = 0
  for (const { expected, stored } of decided.values()) {
    if (isOwnEvent(stored.event)) decisions++
    const name = expected.outcome === 'rejected' ? expected.code! : expected.outcome
    outcomes[name] = (outcomes[name] ?? 0) + 1
  }
  return { intents, decisions, outcomes, ownWays, models }
}

/** One log, from what the one before came to. */
function checkEra(world: World, era: Era, before: readonly Model[], judging: Judging): readonly Model[] {
  const { environment } = world
  const { codec, eras, report } = environment
  const { moved, store } = era
  const partitions = Array.from({ length: store.partitionCount }, (_, partition) => partition)
  const logs = partitions.map((partition) => checkLog(store, codec, partition, report))
  const settings = settingsOf(environment, store.partitionCount)
  const going = { log: eras.indexOf(era), beginsAt: moved?.beginsAt ?? 0, timeOf: (partition: number) => timeOfCarried(logs[partition]!) }
  const models = moved === null ? partitions.map((partition) => new Model(partition, settings)) : modelsGoingOn(before, settings, going)
  for (const partition of partitions) {
    const records = storedRecords(store, 'intents', partition)
    const events = logs[partition]!
    countOwnWays(events, judging.ownWays)
    if (moved !== null) checkCarried(events, models[partition]!, report)
    const decided = checkDecisions({
      partition,
      model: models[partition]!,
      records,
      events,
      observations: era.observations.filter(({ position }) => position.startsWith(`${partition}:`)),
      readIntent: ({ value }: { value: Uint8Array | null }) => readIntentRecord(value, codec, simulatedLimits.intentBytes),
      report,
      memory: judging.memory,
      isLast: era === eras.at(-1),
    })
    for (const [key, each] of decided) judging.decided.set(key, { ...each, era })
    judging.intents += era === eras.at(-1) ? records.length : [...decided.values()].filter(({ stored }) => isOwnEvent(stored.event)).length
    checkDeadLetters(store, partition, events, report)
    checkStall(world, era, partition, events, records, report)
  }
  return models
}

function settingsOf({ rules }: Environment, partitionCount: number): ModelSettings {
  return {
    partitionCount,
    agents: simulatedAgents,
    maxActions: simulatedLimits.actions,
    maxIntentBytes: simulatedLimits.intentBytes,
    horizonMs: simulatedLimits.identityHorizonMs,
    skewMs: simulatedLimits.clockSkewMs,
    missed: simulatedLimits.missed,
    windowMs: simulatedLimits.windowMs,
    pendingAnAgent: simulatedLimits.pendingAnAgent,
    containment: rules.containment,
  }
}

/** When the partitions before were carried over: which of what they turned away came before that is for the events to say. */
function timeOfCarried(events: readonly StoredEvent[]): number {
  return Math.max(0, ...events.filter(({ event }) => event.offset < 0).map(({ event }) => event.time))
}

function countOwnWays(events: readonly StoredEvent[], counts: Record<string, number>): void {
  for (const { event } of events) {
    if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') continue
    for (const { action, fromState, resource, state } of event.payload.changes) {
      const name = `${typeOf(resource)} ${action}: ${fromState ?? 'none'} -> ${state}`
      if (isBuiltIn(resource)) counts[name] = (counts[name] ?? 0) + 1
    }
  }
}

function checkDeadLetters(store: MemoryLogStore, partition: number, events: readonly StoredEvent[], report: Report): void {
  const letters = storedRecords(store, 'dead-letters', partition).filter(({ headers }) => headers[carriedFromHeader] === undefined)
  const dead = events.flatMap(({ event }) =>
    event.type === 'IntentRejected' && (event.payload.code === 'DEAD_LETTERED' || event.payload.intent === null) ? [event] : [],
  )
  if (letters.length !== dead.length) {
    report('dead letters', `partition ${partition} has ${letters.length} dead letters, and ${dead.length} events tell of one`)
    return
  }
  const intents = new Map(storedRecords(store, 'intents', partition).map((record) => [record.offset, record]))
  for (const [index, event] of dead.entries()) {
    const letter = letters[index]!
    const id = `${event.partition}/${event.offset}/${event.index}`
    const { intent, settles } = event.payload
    // One that was pending is kept as it was remembered: the record at the event's offset is that of whoever woke it.
    const value =
      settles === null ? intents.get(event.offset)?.value : intents.has(settles.offset) && intent !== null ? Buffer.from(intent) : null
    if (
      letter.headers.sb_event !== id ||
      letter.headers.sb_code !== event.payload.code ||
      value == null ||
      !Buffer.from(value).equals(letter.value!)
    )
      report(
        'dead letters',
        `partition ${partition}: the dead letter at ${letter.offset} is not that of ${id}, or not the record as it was sent`,
      )
  }
}

/** A record from ahead of its owner's clock must wait until that clock is there. */
function checkStall(
  { latestAtHealing }: World,
  { eventsAtHealing }: Era,
  partition: number,
  events: readonly StoredEvent[],
  records: readonly LogRecord[],
  report: Report,
): void {
  const stamps = new Map(records.map(({ offset, timestampMs }) => [offset, timestampMs]))
  for (const { event, logOffset, writer } of events) {
    const latestMs = latestAtHealing.get(writer)
    const stampMs = stamps.get(event.offset)
    if (stampMs === undefined || latestMs === undefined || logOffset >= (eventsAtHealing?.[partition] ?? Number.MAX_SAFE_INTEGER)) continue
    if (stampMs <= latestMs + simulatedLimits.clockSkewMs) continue
    report(
      'stall',
      `partition ${partition}: ${writer} decided ${event.offset}, stamped ${stampMs}, and its clock never showed more than ${latestMs}`,
    )
    return
  }
}

function checkGiven(
  { agent, decision, intent, intentId }: GivenDecision,
  decided: ReadonlyMap<string, Found>,
  environment: Environment,
): void {
  const { report } = environment
  const found = decided.get(decision.event)
  const told = `${agent} was given ${decision.committed ? 'a commit' : decision.code} of ${intentId} as ${decision.event}`
  if (found === undefined) {
    report('acknowledged', `${told}, which the log does not have`)
    return
  }
  const { expected, stored } = found
  if (isOfEarlierLog(decision, found, environment)) {
    // Of what was on trial it is not known any more what it would have come to.
    const isSame =
      expected.outcome === 'shadowed'
        ? decision.shadow !== null
        : decision.committed === (expected.outcome === 'committed') && decision.code === expected.code
    if (!isSame || expected.outcome === 'pending')
      report('acknowledged', `${told}, and the log before has ${expected.outcome} ${expected.code}`)
    else if (intent !== null && !isAbout(intent, found, environment)) report('acknowledged', `${told}, which is of another intent`)
    return
  }
  // That an intent is pending may be told long after it began to be.
  const isPending = decision.pending !== null && expected.outcome === 'pending'
  const isSame =
    (isPending || decision.position === `${stored.event.partition}:${stored.logOffset + 1}`) &&
    (isPending ||
      (decision.committed === (expected.outcome === 'committed') && decision.code === expected.code && decision.time === expected.time)) &&
    // A record that could not be decoded has no id to tell.
    decision.intentId === (found.intent === null ? null : intentId) &&
    (found.intent === null || found.intent.intentId === intentId) &&
    changesText((decision.shadow?.changes ?? decision.changes) as never) === changesText(expected.changes)
  if (!isSame) {
    const logged = `${expected.outcome} ${expected.code ?? ''} of ${found.intent?.intentId} at ${stored.logOffset}`
    report('acknowledged', `${told}, and the log has ${logged}`)
  } else if (intent !== null && !isAbout(intent, found, environment))
    report('acknowledged', `${told}, which is the decision on another intent with the same id: ${found.intent?.canonical}`)
}

/** Decided in another log than the one that was asked: only what came of it is told. */
function isOfEarlierLog({ duplicate, message, pending }: Decision, { era }: Found, { eras }: Environment): boolean {
  return duplicate && pending === null && era !== eras.at(-1) && message?.startsWith('it was decided before the log came here') === true
}

/** Whether a decision is about the very intent that an agent sent. */
/** Decodes also what is too large to be decided. */
const whole = createCodec({ limits: { intentBytes: Number.MAX_SAFE_INTEGER } })

function isAbout(sent: Intent, { era: { store }, intent, stored }: Found, { codec }: Environment): boolean {
  if (intent === null) {
    const { offset, partition } = stored.event
    const record = store.topic('intents', partition).read(offset, { maxRecords: 1, maxBytes: 1 })[0]
    if (record?.value == null) return false
    const { causationDepth } = whole.decodeIntent(record.value)
    return Buffer.from(record.value).equals(codec.encodeIntent({ ...sent, causationDepth }))
  }
  const { signature: _signature, ...body } = sent
  const actions = body.actions.map((action) => withoutNull({ ...action, input: JSON.parse(action.input) }))
  return bodyOf(sortedText(withoutNull({ ...body, actions }))) === bodyOf(intent.canonical)
}

function withoutNull(object: object): Plain {
  return Object.fromEntries(Object.entries(object).filter(([, member]) => member !== null)) as Plain
}

function checkAcknowledgedIntents(era: Era, isLast: boolean, all: ReadonlyMap<string, Found>, report: Report): void {
  const { acknowledgedIntents, store } = era
  const decided = new Set<string>()
  const lastOffsets = new Map<number, number>()
  for (const found of all.values()) {
    const { offset, partition } = found.stored.event
    if (found.era !== era || !isOwnEvent(found.stored.event)) continue
    decided.add(`${partition}/${offset}`)
    lastOffsets.set(partition, offset)
  }
  // What came to a log that was closed by then may be left for the next one.
  const isLeft = (partition: number, offset: number) => !isLast && offset > (lastOffsets.get(partition) ?? -1)
  for (const { offset, partition, timestampMs, value } of acknowledgedIntents) {
    const record = store.topic('intents', partition).read(offset, { maxRecords: 1, maxBytes: 1 })[0]
    if (record?.offset !== offset || record.timestampMs !== timestampMs || !Buffer.from(record.value!).equals(value))
      report('acknowledged', `the intent that was acknowledged at ${partition}/${offset} is not there as it was`)
    else if (!decided.has(`${partition}/${offset}`) && !isLeft(partition, offset))
      report('acknowledged', `the intent that was acknowledged at ${partition}/${offset} has no decision`)
  }
}
