/** Events and states as people and programs get to see them. Pure. */
import {
  type ContractSet,
  codePage,
  type Decision,
  defaultLimits,
  type EffectData,
  type Event,
  type ExplanationJson,
  effectIdOf,
  formatEventReference,
  type IntentCommitted,
  type IntentRejected,
  isRejectCode,
  type JsonObject,
  noContracts,
  none,
  type Resource,
  type ResourceMove,
} from '@signalbox/contract'
import { asGuardsSee, type Change, type Explanation, type PartitionState, type PendingIntent, type ResourceState } from '@signalbox/core'

type Move = NonNullable<Decision['movedBy']>
type Change_ = Decision['changes'][number]

export function formatPosition(partition: number, logOffset: number): string {
  return `${partition}:${logOffset}`
}

function presentMove({ event, ...move }: ResourceMove): Move {
  return { ...move, event: formatEventReference(event) }
}

function presentChanges(changes: IntentCommitted['changes']): Change_[] {
  return changes.map((change) => ({ ...change, data: JSON.parse(change.data), fields: change.fields === null ? null : [...change.fields] }))
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
    page: pageOf(code),
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

/** What an event says became of an intent: its decision, or that it is pending or in shadow; null for any other event. `logOffset` is where it lies. */
export function presentDecision(event: Event, logOffset: number): Decision | null {
  if (
    event.type === 'IntentDuplicated' ||
    event.type === 'WaitersExamined' ||
    event.type === 'RuleApplied' ||
    event.type === 'PartitionOpened' ||
    event.type === 'ScopeCarried' ||
    event.type === 'PartitionCarried'
  )
    return null
  const { agent, intentId } = event.payload
  const common = {
    intentId,
    scope: event.scope,
    agent,
    duplicate: false,
    event: formatEventReference(event),
    position: formatPosition(event.partition, logOffset + 1),
    time: event.time,
    committed: false,
    pending: null,
    shadow: null,
    verdict: null,
    effects: [],
    changes: [],
    ...nothingWrong,
  }
  switch (event.type) {
    case 'IntentCommitted': {
      const { changes, verdict } = event.payload
      return { ...common, committed: true, verdict, effects: effectsOf(changes), changes: presentChanges(changes) }
    }
    case 'IntentRejected':
      return { ...common, ...presentRejection(event.payload) }
    case 'IntentPending': {
      const { code, escalation, message, reason, resources, until } = event.payload
      return { ...common, code, message, page: pageOf(code), pending: { reason, until, escalation, resources: [...resources] } }
    }
    case 'IntentShadowed': {
      const { by, changes, code, message, resource } = event.payload
      const wouldBe = code === null ? 'committed' : 'rejected'
      return {
        ...common,
        code,
        message,
        page: code === null ? null : pageOf(code),
        resource,
        shadow: { by, wouldBe, changes: presentChanges(changes) },
      }
    }
  }
}

/**
 * The first decision of an intent that was sent again, where it lies in other topics from which the log came here: what is still known of
 * it. What it changed is said there; its effects are known, as they are resources.
 */
export function presentCarried(
  { partition, payload, scope, time }: Extract<Event, { readonly type: 'IntentDuplicated' }>,
  logOffset: number,
  state: PartitionState,
): Decision {
  const { agent, code, decision, intentId, outcome } = payload
  return {
    intentId,
    scope,
    agent,
    duplicate: true,
    event: formatEventReference(decision),
    position: formatPosition(partition, logOffset + 1),
    time,
    committed: outcome === 'committed',
    pending: null,
    shadow: outcome === 'shadowed' ? { by: state.origin?.generation ?? '', wouldBe: 'committed', changes: [] } : null,
    verdict: null,
    effects: effectsIn(state, scope, intentId),
    changes: [],
    ...nothingWrong,
    code,
    message: `it was decided before the log came here from ${state.origin?.generation ?? 'elsewhere'}, as event ${formatEventReference(decision)} there`,
    page: code === null ? null : pageOf(code),
  }
}

function effectsIn(state: PartitionState, scope: string, intentId: string): Decision['effects'] {
  const effects: Decision['effects'][number][] = []
  for (let index = 0; index < defaultLimits.actions; index++) {
    const effectId = effectIdOf(intentId, index)
    const found = state.resourceIn(scope, `effect/${effectId}`)
    if (found === undefined) continue
    const { action, idempotent, reportWithinMs, resource } = JSON.parse(found.data) as EffectData
    effects.push({ effectId, resource, action, idempotent, reportWithinMs })
  }
  return effects
}

/** A pending intent, as its own event said it. */
export function presentPending(partition: number, pending: PendingIntent, position: number, timeMs: number): Decision {
  const { agent, code, escalation, intentId, message, reason, resources, scope, since, untilMs } = pending
  return {
    intentId,
    scope,
    agent,
    duplicate: false,
    event: formatEventReference(since),
    position: formatPosition(partition, position),
    time: timeMs,
    committed: false,
    pending: { reason, until: untilMs, escalation, resources: [...resources] },
    shadow: null,
    verdict: null,
    effects: [],
    changes: [],
    ...nothingWrong,
    code,
    message,
    page: pageOf(code),
  }
}

function pageOf(code: string): string | null {
  return isRejectCode(code) ? codePage(code) : null
}

/** What the agent is to do in the world now. */
function effectsOf(changes: IntentCommitted['changes']): Decision['effects'] {
  return changes.flatMap(({ action, data, resource }) => {
    if (action !== 'start' || !resource.startsWith('effect/')) return []
    const { action: does, idempotent, reportWithinMs, resource: of } = JSON.parse(data) as EffectData
    return [{ effectId: resource.slice('effect/'.length), resource: of, action: does, idempotent, reportWithinMs }]
  })
}

export function presentExplanation({ changes, checks, outcome, pending, rejection, shadow, time }: Explanation): ExplanationJson {
  const { details: _details, retryAfterMs: _retry, ...why } = rejection === null ? nothingWrong : presentRejection(rejection)
  return {
    outcome,
    time,
    checks: checks.map((check) => ({ ...check, seen: check.seen as ExplanationJson['checks'][number]['seen'] })),
    ...why,
    ...(pending === null ? {} : { code: pending.code, message: pending.message, page: pageOf(pending.code) }),
    ...(shadow === null || shadow.code === null ? {} : { code: shadow.code, message: shadow.message, page: pageOf(shadow.code) }),
    changes: presentChanges(changes),
  }
}

function presentLastChange({ action, agent, index, intentId, offset, partition, time, version }: Change): Move {
  return { event: formatEventReference({ partition, offset, index }), intentId, agent, action, version, time }
}

/** As the contracts understand it; as it was written, where none are given. */
export function presentResource(
  scope: string,
  resource: string,
  written: ResourceState | undefined,
  contracts: ContractSet = noContracts,
): Resource {
  if (written === undefined) return { scope, resource, exists: false, version: 0, state: none, data: null, lastChange: null, timer: null }
  const { fault, seen: state } = asGuardsSee(contracts, resource, written)
  const data = JSON.parse(state.data) as Resource['data']
  return {
    scope,
    resource,
    exists: true,
    version: state.version,
    state: state.state,
    data,
    lastChange: presentLastChange(state.lastChange),
    timer: state.timer,
    ...(fault === null ? {} : { fault }),
  }
}

/** The intent that an event embeds, as plain JSON; null where it embeds none. */
export function embeddedIntent(event: Event): JsonObject | null {
  if (event.type === 'IntentCommitted' || event.type === 'IntentPending' || event.type === 'IntentShadowed')
    return JSON.parse(event.payload.intent)
  if (event.type === 'IntentRejected' && event.payload.intent !== null) return JSON.parse(event.payload.intent)
  return null
}
