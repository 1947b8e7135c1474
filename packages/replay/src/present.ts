/** Events and states as people and programs get to see them. Pure. */
import {
  codePage,
  type Decision,
  type Event,
  type ExplanationJson,
  formatEventReference,
  type IntentCommitted,
  type IntentRejected,
  isRejectCode,
  type JsonObject,
  none,
  type Resource,
  type ResourceMove,
} from '@signalbox/contract'
import type { Change, Explanation, ResourceState } from '@signalbox/core'

type Move = NonNullable<Decision['movedBy']>
type Change_ = Decision['changes'][number]

export function formatPosition(partition: number, logOffset: number): string {
  return `${partition}:${logOffset}`
}

function presentMove({ event, ...move }: ResourceMove): Move {
  return { ...move, event: formatEventReference(event) }
}

function presentChanges(changes: IntentCommitted['changes']): Change_[] {
  return changes.map((change) => ({ ...change, data: JSON.parse(change.data) }))
}

const nothingWrong = {
  code: null,
  message: null,
  page: null,
  owner: null,
  resource: null,
  expectedVersion: null,
  actualVersion: null,
  movedBy: null,
  missed: [],
  retryAfterMs: null,
  details: null,
} satisfies Partial<Decision>

function presentRejection(rejected: IntentRejected) {
  const { actualVersion, code, details, expectedVersion, message, missed, movedBy, owner, resource, retryAfterMs } = rejected
  return {
    code,
    message,
    page: isRejectCode(code) ? codePage(code) : null,
    owner: owner === null ? null : { team: owner.team, contact: owner.contact },
    resource,
    expectedVersion,
    actualVersion,
    movedBy: movedBy === null ? null : presentMove(movedBy),
    missed: missed.map(presentMove),
    retryAfterMs,
    details: details === null ? null : (JSON.parse(details) as Decision['details']),
  }
}

/** The decision that an event is; null for an event that is none. `logOffset` is where the event lies. */
export function presentDecision(event: Event, logOffset: number): Decision | null {
  if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') return null
  const { agent, intentId } = event.payload
  const common = {
    intentId,
    scope: event.scope,
    agent,
    duplicate: false,
    event: formatEventReference(event),
    position: formatPosition(event.partition, logOffset + 1),
    time: event.time,
  }
  if (event.type === 'IntentCommitted')
    return { ...common, committed: true, changes: presentChanges(event.payload.changes), ...nothingWrong }
  return { ...common, committed: false, changes: [], ...presentRejection(event.payload) }
}

export function presentExplanation({ changes, checks, outcome, rejection, time }: Explanation): ExplanationJson {
  const { details: _details, retryAfterMs: _retry, ...why } = rejection === null ? nothingWrong : presentRejection(rejection)
  return {
    outcome,
    time,
    checks: checks.map((check) => ({ ...check, seen: check.seen as ExplanationJson['checks'][number]['seen'] })),
    ...why,
    changes: presentChanges(changes),
  }
}

function presentLastChange(partition: number, { action, agent, index, intentId, offset, time, version }: Change): Move {
  return { event: formatEventReference({ partition, offset, index }), intentId, agent, action, version, time }
}

export function presentResource(partition: number, scope: string, resource: string, state: ResourceState | undefined): Resource {
  if (state === undefined) return { scope, resource, exists: false, version: 0, state: none, data: null, lastChange: null }
  const data = JSON.parse(state.data) as Resource['data']
  return {
    scope,
    resource,
    exists: true,
    version: state.version,
    state: state.state,
    data,
    lastChange: presentLastChange(partition, state.lastChange),
  }
}

/** The intent that an event embeds, as plain JSON; null where it embeds none. */
export function embeddedIntent(event: Event): JsonObject | null {
  if (event.type === 'IntentCommitted') return JSON.parse(event.payload.intent)
  if (event.type === 'IntentRejected' && event.payload.intent !== null) return JSON.parse(event.payload.intent)
  return null
}
