/** Judges what a run left behind. Decides everything a second time, by the plain model; shares no code with the core. */
import { type Intent, isOwnEvent } from '@signalbox/contract'
import type { LogRecord } from '@signalbox/log'
import { changesText } from './changes.ts'
import { checkDecisions, type Decided } from './check-decisions.ts'
import { checkLiveness } from './check-liveness.ts'
import { checkLog, type Report, type StoredEvent, storedRecords } from './check-log.ts'
import { checkNotifications } from './check-notifications.ts'
import { simulatedAgents, simulatedLimits } from './contracts.ts'
import type { Environment, GivenDecision } from './environment.ts'
import { isBuiltIn, typeOf } from './model/built-in.ts'
import type { ModelSettings } from './model/expected.ts'
import { type Plain, readIntentRecord, sortedText } from './model/intent.ts'
import { Model } from './model/model.ts'
import type { World } from './world.ts'

export interface Figures {
  readonly intents: number
  readonly decisions: number
  /** Decisions by what they are: `committed`, `duplicate`, or the code of a reject. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Changes in force of Signalbox's own resources, by type and action. */
  readonly ownActions: Readonly<Record<string, number>>
}

/** Everything but what the services hold in memory; call it last. */
export function checkWorld(world: World): Figures & { readonly models: readonly Model[] } {
  const { environment } = world
  const { codec, report, store } = environment
  const settings: ModelSettings = {
    partitionCount: store.partitionCount,
    agents: simulatedAgents,
    maxActions: simulatedLimits.actions,
    maxIntentBytes: simulatedLimits.intentBytes,
    horizonMs: simulatedLimits.identityHorizonMs,
    skewMs: simulatedLimits.clockSkewMs,
    missed: simulatedLimits.missed,
    windowMs: simulatedLimits.windowMs,
    pendingAnAgent: simulatedLimits.pendingAnAgent,
    containment: environment.rules.containment,
  }
  const models: Model[] = []
  const ownActions: Record<string, number> = {}
  const decided = new Map<string, Decided>()
  let intents = 0
  for (let partition = 0; partition < store.partitionCount; partition++) {
    const model = new Model(partition, settings)
    models.push(model)
    const records = storedRecords(store, 'intents', partition)
    intents += records.length
    const events = checkLog(store, codec, partition, report)
    countOwnActions(events, ownActions)
    const observations = environment.observations.filter(({ position }) => position.startsWith(`${partition}:`))
    const readIntent = ({ value }: { value: Uint8Array | null }) => readIntentRecord(value, codec, simulatedLimits.intentBytes)
    for (const [key, each] of checkDecisions({ partition, model, records, events, observations, readIntent, report }))
      decided.set(key, each)
    checkDeadLetters(environment, partition, events, report)
    checkStall(world, partition, events, records, report)
  }
  if (!world.violations.some(({ check }) => check === 'exactly one')) checkLiveness(models, report)
  if (world.cast.escalations.length > 0) checkNotifications(environment, world.receiver)
  for (const given of environment.givenDecisions) checkGiven(given, decided, environment)
  checkAcknowledgedIntents(environment, decided, report)
  const outcomes: Record<string, number> = {}
  let decisions = 0
  for (const { expected, stored } of decided.values()) {
    if (isOwnEvent(stored.event)) decisions++
    const name = expected.outcome === 'rejected' ? expected.code! : expected.outcome
    outcomes[name] = (outcomes[name] ?? 0) + 1
  }
  return { intents, decisions, outcomes, ownActions, models }
}

function countOwnActions(events: readonly StoredEvent[], counts: Record<string, number>): void {
  for (const { event } of events) {
    if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') continue
    for (const { action, resource } of event.payload.changes) {
      const name = `${typeOf(resource)} ${action}`
      if (isBuiltIn(resource)) counts[name] = (counts[name] ?? 0) + 1
    }
  }
}

function checkDeadLetters({ store }: Environment, partition: number, events: readonly StoredEvent[], report: Report): void {
  const letters = storedRecords(store, 'dead-letters', partition)
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
  { eventsAtHealing, latestAtHealing }: World,
  partition: number,
  events: readonly StoredEvent[],
  records: readonly LogRecord[],
  report: Report,
): void {
  const stamps = new Map(records.map(({ offset, timestampMs }) => [offset, timestampMs]))
  for (const { event, logOffset, writer } of events) {
    const latestMs = latestAtHealing.get(writer)
    const stampMs = stamps.get(event.offset)
    if (stampMs === undefined || latestMs === undefined || logOffset >= eventsAtHealing[partition]!) continue
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
  decided: ReadonlyMap<string, Decided>,
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

/** Whether a decision is about the very intent that an agent sent. */
function isAbout(sent: Intent, { intent, stored }: Decided, { codec, store }: Environment): boolean {
  if (intent === null) {
    const { offset, partition } = stored.event
    const record = store.topic('intents', partition).read(offset, { maxRecords: 1, maxBytes: 1 })[0]
    return record?.value != null && Buffer.from(record.value).equals(codec.encodeIntent(sent))
  }
  const { signature: _signature, ...body } = sent
  const actions = body.actions.map((action) => withoutNull({ ...action, input: JSON.parse(action.input) }))
  return sortedText(withoutNull({ ...body, actions })) === intent.canonical
}

function withoutNull(object: object): Plain {
  return Object.fromEntries(Object.entries(object).filter(([, member]) => member !== null)) as Plain
}

function checkAcknowledgedIntents(
  { acknowledgedIntents, store }: Environment,
  decided: ReadonlyMap<string, Decided>,
  report: Report,
): void {
  const records = new Set(
    [...decided.values()]
      .filter(({ stored }) => isOwnEvent(stored.event))
      .map(({ stored: { event } }) => `${event.partition}/${event.offset}`),
  )
  for (const { offset, partition, timestampMs, value } of acknowledgedIntents) {
    const record = store.topic('intents', partition).read(offset, { maxRecords: 1, maxBytes: 1 })[0]
    if (record?.offset !== offset || record.timestampMs !== timestampMs || !Buffer.from(record.value!).equals(value))
      report('acknowledged', `the intent that was acknowledged at ${partition}/${offset} is not there as it was`)
    else if (!records.has(`${partition}/${offset}`))
      report('acknowledged', `the intent that was acknowledged at ${partition}/${offset} has no decision`)
  }
}
