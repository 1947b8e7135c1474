/** What Signalbox's own actions do, written a second time: leases, withdrawals, reports of effects and ticks. */
import type { ModelAction, ModelIntent, PlainObject } from './intent.ts'
import type { Ledger } from './ledger.ts'
import { type ModelResource, type ModelTimer, modelTypes } from './rules.ts'

export interface Made {
  readonly state: string
  readonly data: PlainObject
  readonly timer: ModelTimer | null
}

export interface Asked {
  readonly intent: ModelIntent
  readonly action: ModelAction
  readonly before: ModelResource | undefined
  readonly ledger: Ledger
  readonly nowMs: number
}

/** `followed`: the model does not say; the laws of `check-laws.ts` hold all the same. */
export type BuiltInAnswer = { readonly code: string } | { readonly made: Made | null } | 'followed'

const types = new Set(['agent', 'clock', 'effect', 'escalation', 'handoff', 'intent', 'reservation', 'source', 'task', 'transfer'])

export function isBuiltIn(resource: string): boolean {
  return types.has(resource.slice(0, resource.indexOf('/')))
}

/** What is never held back, whatever became of its agent. */
export function isReport({ action, resource }: ModelAction): boolean {
  return resource.startsWith('effect/') && (action === 'done' || action === 'failed')
}

export function leaseInForce(ledger: Ledger, scope: string, resource: string, nowMs: number): PlainObject | null {
  const found = ledger.find(scope, `reservation/${resource}`)
  if (found === undefined || found.state !== 'held') return null
  const { data } = found
  return (data.expiresMs as number) > nowMs && !ledger.quarantined.has(data.holder as string) ? data : null
}

const no = { code: 'GUARD_REFUSED' } as const

export function builtInAnswer(asked: Asked): BuiltInAnswer {
  const { action, before } = asked
  const what = `${action.resource.slice(0, action.resource.indexOf('/'))} ${action.action}`
  switch (what) {
    case 'clock tick':
      return { made: null }
    case 'reservation take':
      return take(asked)
    case 'reservation renew':
    case 'reservation release':
      return before?.state === 'held' ? keep(asked) : { code: 'STATE_CONFLICT' }
    case 'effect done':
    case 'effect failed':
      return report(asked)
    case 'intent withdraw':
      return withdraw(asked)
    default:
      return 'followed'
  }
}

function take({ action, before, intent, ledger, nowMs }: Asked): BuiltInAnswer {
  const resource = action.resource.slice('reservation/'.length)
  if (!modelTypes.has(resource.slice(0, resource.indexOf('/'))) || (action.input.forMs as number) > 600_000) return no
  const held = leaseInForce(ledger, intent.scope, resource, nowMs)
  const priority = Math.min(intent.priority ?? 0, resource.startsWith('refund/') ? 5 : 0)
  if (held !== null && held.holder === intent.agent) return no
  if (held !== null && priority <= (held.priority as number)) return { code: 'RESERVED' }
  const expiresMs = nowMs + (action.input.forMs as number)
  const data = { holder: intent.agent, lease: intent.intentId, token: (before?.version ?? 0) + 1, expiresMs, priority }
  return { made: { state: 'held', data, timer: { due: expiresMs, action: 'lapse' } } }
}

function keep({ action, before, intent, nowMs }: Asked): BuiltInAnswer {
  const { data } = before!
  if (action.action === 'renew' && (action.input.forMs as number) > 600_000) return no
  if ((data.expiresMs as number) <= nowMs) return { code: 'RESERVATION_EXPIRED' }
  if (data.holder !== intent.agent && !intent.agent.startsWith('human:')) return no
  if (action.action === 'release') return { made: { state: 'ended', data: { ...data, expiresMs: nowMs }, timer: null } }
  const expiresMs = nowMs + (action.input.forMs as number)
  return { made: { state: 'held', data: { ...data, expiresMs }, timer: { due: expiresMs, action: 'lapse' } } }
}

function report({ action, before, intent }: Asked): BuiltInAnswer {
  if (before === undefined || (before.state !== 'pending' && before.state !== 'unreported')) return { code: 'STATE_CONFLICT' }
  if (before.data.agent !== intent.agent && !intent.agent.startsWith('human:')) return no
  const result = action.input.reason ?? action.input.result ?? null
  return { made: { state: action.action, data: { ...before.data, result }, timer: null } }
}

function withdraw({ action, intent, ledger }: Asked): BuiltInAnswer {
  const pending = ledger.pending.get(action.resource.slice('intent/'.length))
  if (pending === undefined || pending.intent.scope !== intent.scope) return no
  return pending.intent.agent === intent.agent || intent.agent.startsWith('human:') ? { made: null } : no
}

/** What the clock does to a resource whose time is over; null where the model does not say. */
export function lapsed(type: string, { data, state }: ModelResource, nowMs: number): Made | null {
  if (type === 'reservation')
    return { state: 'ended', data: { ...data, expiresMs: Math.min(data.expiresMs as number, nowMs) }, timer: null }
  if (type === 'effect' && data.idempotent === false) return { state: 'unreported', data, timer: null }
  if (type === 'refund') return state === 'requested' ? { state: 'lapsed', data, timer: null } : null
  return null
}
