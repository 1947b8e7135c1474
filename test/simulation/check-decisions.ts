/** One partition's decisions against the model: each record exactly one, in order, and the one that the model makes. */
import { createHash } from 'node:crypto'
import { type Event, type IntentCommitted, type IntentRejected, isOwnEvent, type Observation } from '@signalbox/contract'
import type { LogRecord } from '@signalbox/log'
import { differenceOfChanges } from './changes.ts'
import { CoordinationLaws } from './check-coordination.ts'
import { ClosedLog } from './check-generation.ts'
import { Laws, type LawsMemory } from './check-laws.ts'
import type { Report, StoredEvent } from './check-log.ts'
import { FollowUps, said } from './follow-ups.ts'
import { Consequences, type Following } from './model/consequences.ts'
import type { Expected } from './model/expected.ts'
import { bodyOf, type ModelIntent, type Plain, type PlainObject, sortedText, toModel } from './model/intent.ts'
import type { Model } from './model/model.ts'

export interface Decided {
  readonly stored: StoredEvent
  readonly expected: Expected
  readonly intent: ModelIntent | null
}

export interface DecisionsToCheck {
  readonly partition: number
  readonly model: Model
  readonly records: readonly LogRecord[]
  readonly events: readonly StoredEvent[]
  /** What agents observed of this partition. */
  readonly observations: readonly Observation[]
  readonly readIntent: (record: LogRecord) => ModelIntent | null
  readonly report: Report
  readonly memory: LawsMemory
  /** Whether the run ended in this log; else what came after it was closed may be left undecided, and is asked again in the next. */
  readonly isLast: boolean
}

/** The decisions by their event reference; ends where records and events part. */
export function checkDecisions({
  events,
  isLast,
  memory,
  model,
  observations,
  partition,
  readIntent,
  records,
  report,
}: DecisionsToCheck): Map<string, Decided> {
  const decided = new Map<string, Decided>()
  const waiting = [...observations].sort((one, other) => positionOf(one) - positionOf(other))
  const observeUpTo = (logOffset: number) => {
    while (waiting.length > 0 && positionOf(waiting[0]!) <= logOffset) checkObservation(waiting.shift()!, model, report)
  }
  const broken = (message: string) => report('laws', `partition ${partition}: ${message}`)
  const laws = new Laws(model, memory, broken)
  const coordination = new CoordinationLaws(model, memory, broken)
  const closedLog = new ClosedLog(broken)
  const followUps = new FollowUps(new Consequences(model))
  const groups = groupsOf(events)
  for (const [at, record] of records.entries()) {
    const group = groups[at]
    const wanted = `${partition}/${record.offset}/0`
    if (group === undefined && !isLast && model.isClosed) break
    if (group === undefined) {
      report('exactly one', `partition ${partition}: ${records.length - at} intents, from ${record.offset} on, have no decision`)
      break
    }
    const { event: first } = group[0]!
    const isWhole = group.every(
      ({ event }, index) => event.offset === record.offset && event.partition === partition && event.index === index,
    )
    const owns = group.filter(({ event }) => isOwnEvent(event))
    if (!isWhole || owns.length !== 1) {
      const found = group.map(({ event }) => `${event.type} ${event.partition}/${event.offset}/${event.index}`).join(', ')
      report('exactly one', `partition ${partition}: events ${found} at ${group[0]!.logOffset}, where those of ${wanted} had to come`)
      return decided
    }
    const intent = readIntent(record)
    model.begin(record)
    laws.begin()
    for (const stored of group) {
      observeUpTo(stored.logOffset)
      const { event } = stored
      const next = followUps.next()
      const { expected, followed, subject } = expectationOf(event, model, record, intent, next)
      const problem =
        event.time !== model.time ? `at time ${event.time}, which must be ${model.time}` : differenceOf(event, expected, subject, followed)
      const at = `partition ${partition}, event ${record.offset}/${event.index} (${event.type})`
      if (problem !== null) report('model', `${at}: ${problem}`)
      if (followed !== null) followUps.done()
      else if (next !== null) {
        report('model', `${at}: it comes where ${said(next)} must follow`)
        followUps.clear()
      }
      const settled = model.ledger.pending.get(intentIdOf(event) ?? '')
      laws.judge(event)
      coordination.judge(event)
      closedLog.judge(event)
      const wasClosed = model.isClosed
      model.apply(event)
      if (!wasClosed && !model.isClosed) followUps.add({ event, subject, expected, settled, isOwn: isOwnEvent(event) })
      if (expected !== null) decided.set(`${event.partition}/${event.offset}/${event.index}`, { stored, expected, intent: subject })
    }
    const missing = followUps.next()
    if (missing !== null) report('model', `partition ${partition}: after record ${record.offset}, ${said(missing)} is missing`)
    followUps.clear()
    laws.end(first.offset, intent)
  }
  observeUpTo(Number.MAX_SAFE_INTEGER)
  if (groups.length > records.length)
    report('exactly one', `partition ${partition}: ${groups.length - records.length} records of events, where no intents are`)
  if (isLast) laws.atTheEnd()
  else if (!model.isClosed) report('laws', `partition ${partition} goes on in another log, and was not closed`)
  return decided
}

/** The events of each record together; openings, and what was carried over from another log, belong to none. */
function groupsOf(events: readonly StoredEvent[]): StoredEvent[][] {
  const groups: StoredEvent[][] = []
  for (const stored of events) {
    const { event } = stored
    if (event.type === 'PartitionOpened' || event.offset < 0) continue
    const last = groups.at(-1)
    if (last !== undefined && last[0]!.event.offset === event.offset && event.index > 0) last.push(stored)
    else groups.push([stored])
  }
  return groups
}

interface Expectation {
  /** Null for what is no decision. */
  readonly expected: Expected | null
  readonly subject: ModelIntent | null
  /** What the model said must follow, where this is it. */
  readonly followed: Following | null
}

function intentIdOf({ payload }: Event): string | null {
  return 'intentId' in payload ? payload.intentId : null
}

function expectationOf(event: Event, model: Model, record: LogRecord, intent: ModelIntent | null, next: Following | null): Expectation {
  if (isOwnEvent(event)) return { expected: model.expect({ ...record, intent }), subject: intent, followed: null }
  if (event.type === 'RuleApplied' && event.payload.rule !== 'timer')
    return { expected: null, subject: null, followed: next?.kind === 'rule' ? next : null }
  if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected' && event.type !== 'IntentPending')
    return { expected: null, subject: null, followed: null }
  if (next?.kind === 'amended' && event.type === 'IntentCommitted') return amended(event, model, next)
  const pending = model.ledger.pending.get(event.payload.intentId ?? '')
  if (pending === undefined) return { expected: null, subject: null, followed: null }
  const subject = pending.intent
  const isNext = (next?.kind === 'agreed' || next?.kind === 'rejected') && next.intentId === subject.intentId
  if (next?.kind === 'agreed' && isNext) return { expected: model.decideAgreed(subject, next.agreed), subject, followed: next }
  const expected = model.decide(subject)
  if (event.type === 'IntentRejected' && isEndedOtherwise(event.payload.code)) {
    const code = next?.kind === 'rejected' && isNext ? next.code : event.payload.code
    return { expected: { ...expected, ...nothingTold, outcome: 'rejected', code }, subject, followed: isNext ? next : null }
  }
  return { expected, subject, followed: null }
}

/** What a human has done in place of an intent has an id that the log gives. */
function amended(
  { payload }: Event & { readonly type: 'IntentCommitted' },
  model: Model,
  next: Following & { readonly kind: 'amended' },
): Expectation {
  const told = toModel(JSON.parse(payload.intent) as PlainObject)
  const { agent, correlationId, intentId, scope } = next.pending.intent
  const asked = toModel({ intentId: told.intentId, scope, agent, actions: [...next.actions], correlationId, causationId: intentId })
  const isSame = sortedText(told.actions as never) === sortedText(asked.actions as never) && told.agent === agent && told.scope === scope
  const subject = isSame && told.causationId === intentId ? told : asked
  return { expected: model.decideAgreed(subject, next.agreed), subject, followed: next }
}

/** Ends that no check comes to: by time, by a human, by its own agent. Laws hold of them. */
export function isEndedOtherwise(code: string): boolean {
  return code === 'DEADLINE_PASSED' || code === 'WITHDRAWN' || code.startsWith('ESCALATION_')
}

const nothingTold = {
  changes: [],
  resource: null,
  expectedVersion: null,
  actualVersion: null,
  movedBy: null,
  missed: [],
  untilMs: null,
  question: null,
  amount: null,
}

function positionOf({ position }: Observation): number {
  return Number(position.split(':')[1])
}

function checkObservation({ position, resources, scope }: Observation, model: Model, report: Report): void {
  for (const seen of resources) {
    const is = model.find(scope, seen.resource)
    const same =
      seen.version === (is?.version ?? 0) &&
      seen.state === (is?.state ?? 'none') &&
      sortedText(seen.data as Plain) === sortedText(is?.data ?? null)
    if (!same)
      report(
        'observed',
        `${scope} ${seen.resource} was seen at ${position} as version ${seen.version} ${JSON.stringify(seen.data)}; it was version ${is?.version ?? 0} ${JSON.stringify(is?.data)}`,
      )
  }
}

function differenceOf(event: Event, expected: Expected | null, intent: ModelIntent | null, followed: Following | null): string | null {
  if (event.type === 'RuleApplied' && event.payload.rule !== 'timer') return differenceOfRule(event, followed)
  if (expected === null) return null
  const told = outcomeOf(event)
  if (told.outcome !== expected.outcome || told.code !== expected.code)
    return `decided ${told.outcome} ${told.code ?? ''}, and the model says ${expected.outcome} ${expected.code ?? ''} ${expected.resource ?? ''}`
  if (event.scope !== (intent?.scope ?? '')) return `the event is of scope ${event.scope}`
  if (event.type === 'IntentCommitted') return differenceOfCommit(event.payload, expected)
  if (event.type === 'IntentRejected') return isEndedOtherwise(event.payload.code) ? null : differenceOfReject(event.payload, expected)
  if (event.type === 'IntentPending' && event.payload.until !== expected.untilMs)
    return `pending until ${event.payload.until}, and the model says ${expected.untilMs}`
  if (event.type === 'IntentPending' && (event.payload.reason === 'escalated') !== (expected.question !== null))
    return `pending because it is ${event.payload.reason}, and the model says otherwise`
  if (event.type === 'IntentDuplicated' && event.payload.decision.offset !== expected.duplicateOf)
    return `a duplicate of ${event.payload.decision.offset}, and the model says of ${expected.duplicateOf}`
  if (event.type !== 'IntentShadowed') return null
  const { by, changes, resource } = event.payload
  if (by !== expected.by || resource !== expected.resource)
    return `on trial: ${by} ${resource}, and the model says ${expected.by} ${expected.resource}`
  return differenceOfChanges(changes, expected.changes)
}

function differenceOfRule({ payload, scope }: Event & { readonly type: 'RuleApplied' }, followed: Following | null): string | null {
  const { changes, rule } = payload
  if (followed?.kind !== 'rule') return `the rule ${rule} (${payload.message}) follows from nothing`
  if (rule !== followed.rule || scope !== followed.scope)
    return `${rule} in ${scope}, and the model says ${said(followed)} in ${followed.scope}`
  return differenceOfChanges(changes, followed.changes)
}

function outcomeOf(event: Event): { readonly outcome: Expected['outcome'] | null; readonly code: string | null } {
  if (event.type === 'IntentCommitted') return { outcome: 'committed', code: null }
  if (event.type === 'IntentRejected') return { outcome: 'rejected', code: event.payload.code }
  if (event.type === 'IntentPending') return { outcome: 'pending', code: event.payload.code }
  if (event.type === 'IntentDuplicated') return { outcome: 'duplicate', code: event.payload.code }
  if (event.type === 'IntentShadowed') return { outcome: 'shadowed', code: event.payload.code }
  return { outcome: null, code: null }
}

function digestOf(intent: string): string {
  return createHash('sha256').update(bodyOf(intent)).digest('base64url')
}

function differenceOfCommit({ amount, changes, digest, intent }: IntentCommitted, expected: Expected): string | null {
  if (intent !== expected.embedded) return `the embedded intent is ${intent}, and was ${expected.embedded}`
  if (digest !== digestOf(intent)) return `the digest of the intent is ${digest}, and must be ${digestOf(intent)}`
  if (amount !== expected.amount) return `it uses ${amount} of a budget, and the model says ${expected.amount}`
  return differenceOfChanges(changes, expected.changes)
}

function differenceOfReject(rejected: IntentRejected, expected: Expected): string | null {
  const told = [
    rejected.resource,
    rejected.expectedVersion,
    rejected.actualVersion,
    rejected.movedBy?.intentId ?? null,
    ...rejected.missed.map(({ version }) => version),
  ]
  const wanted = [expected.resource, expected.expectedVersion, expected.actualVersion, expected.movedBy, ...expected.missed]
  if (JSON.stringify(told) !== JSON.stringify(wanted))
    return `${rejected.code} tells ${JSON.stringify(told)}, and the model ${JSON.stringify(wanted)}`
  if (rejected.intent !== expected.embedded) return `the embedded intent is ${rejected.intent}, and must be ${expected.embedded}`
  const digest = expected.embedded === null ? null : digestOf(expected.embedded)
  return rejected.digest === digest ? null : `the digest of the intent is ${rejected.digest}, and must be ${digest}`
}
