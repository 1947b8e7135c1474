/** What Signalbox's own actions do, written a second time: which there are, and leases, withdrawals, reports of effects and ticks. */

import type { Containment } from '@signalbox/contract'
import { agentAnswer } from './agents.ts'
import { type Asked, type BuiltInAnswer, no } from './asked.ts'
import { correlationAnswer } from './correlations.ts'
import type { Made } from './expected.ts'
import { generationAnswer } from './generation.ts'
import type { ModelAction, ModelIntent, PlainObject } from './intent.ts'
import type { Ledger } from './ledger.ts'
import { governing } from './more-rules.ts'
import { escalationAnswer, escalationLapse } from './people.ts'
import type { ModelResource } from './rules.ts'
import { transferAnswer } from './transfers.ts'
import { handoffAnswer, taskAnswer, taskLapse } from './work.ts'

interface OwnAction {
  readonly from: readonly string[]
  readonly by?: readonly string[]
}

const open = ['triggered', 'acknowledged']
const overseers = ['human:', 'process-manager']
const clock = ['clock']
const manager = ['process-manager']
const people = ['human:']
const nobody: readonly string[] = []
const anyAgent = ['none', 'active', 'open', 'half-open']

const ownActions: { readonly [type: string]: { readonly [action: string]: OwnAction } } = {
  agent: {
    declare: { from: anyAgent },
    quarantine: { from: [...anyAgent, 'quarantined'], by: overseers },
    release: { from: ['quarantined', 'open', 'half-open'], by: overseers },
    try: { from: ['open'], by: clock },
    open: { from: [], by: nobody },
    probe: { from: [], by: nobody },
    close: { from: [], by: nobody },
  },
  clock: { tick: { from: ['none'], by: clock } },
  correlation: {
    count: { from: [], by: nobody },
    tell: { from: ['none', 'counting'], by: manager },
    exhaust: { from: ['none', 'counting'], by: manager },
  },
  effect: {
    done: { from: ['pending', 'unreported'] },
    failed: { from: ['pending', 'unreported'] },
    lapse: { from: ['pending'], by: clock },
  },
  escalation: {
    trigger: { from: [], by: nobody },
    acknowledge: { from: open },
    assign: { from: open },
    approve: { from: open },
    reject: { from: open },
    amend: { from: open },
    lapse: { from: open, by: clock },
    again: { from: [], by: nobody },
    renew: { from: [], by: nobody },
    close: { from: [], by: nobody },
  },
  generation: {
    close: { from: ['none', 'open'], by: people },
    reopen: { from: ['closed'], by: people },
  },
  handoff: {
    offer: { from: ['none', 'declined', 'expired'] },
    accept: { from: ['offered'] },
    decline: { from: ['offered'] },
    lapse: { from: ['offered'], by: clock },
  },
  intent: { withdraw: { from: ['none'] } },
  reservation: {
    take: { from: ['none', 'ended', 'held'] },
    renew: { from: ['held'] },
    delegate: { from: ['held'] },
    release: { from: ['held'] },
    lapse: { from: ['held'], by: clock },
    preempt: { from: [], by: nobody },
  },
  source: {},
  task: {
    offer: { from: ['none', 'failed', 'cancelled', 'unclaimed'] },
    claim: { from: ['offered', 'claimed', 'unclaimed'] },
    renew: { from: ['claimed'] },
    done: { from: ['claimed'] },
    fail: { from: ['claimed'] },
    cancel: { from: ['offered', 'claimed', 'unclaimed'] },
    lapse: { from: ['offered', 'claimed'], by: clock },
  },
  transfer: {
    begin: { from: ['none'] },
    prepared: { from: ['preparing', 'releasing'], by: manager },
    refused: { from: ['preparing', 'releasing'], by: manager },
    confirmed: { from: ['confirming', 'stuck'], by: manager },
    released: { from: ['releasing', 'stuck'], by: manager },
    stuck: { from: ['confirming', 'releasing', 'stuck'], by: manager },
    cancel: { from: ['preparing'] },
    lapse: { from: ['preparing'], by: clock },
  },
}

/** Every change that is Signalbox's own, by type and action; a tick and a withdrawal change no resource. */
export const ownChanges: readonly string[] = [
  ...Object.entries(ownActions)
    .flatMap(([type, actions]) => Object.keys(actions).map((action) => `${type} ${action}`))
    .filter((name) => name !== 'clock tick' && name !== 'intent withdraw'),
  'effect start',
  'source state',
  'task hand-on',
]

export function typeOf(resource: string): string {
  return resource.slice(0, resource.indexOf('/'))
}

export function isBuiltIn(resource: string): boolean {
  return Object.hasOwn(ownActions, typeOf(resource))
}

export function ownAction({ action, resource }: ModelAction): OwnAction | undefined {
  const actions = ownActions[typeOf(resource)]
  return actions !== undefined && Object.hasOwn(actions, action) ? actions[action] : undefined
}

/** Whether an action of Signalbox's own is an agent's to take. A name in `by` may go on. */
export function mayTake(agent: string, { by }: OwnAction): boolean {
  return by === undefined || by.some((name) => (name.endsWith(':') ? agent.startsWith(name) : agent === name))
}

/** What is never held back, whatever became of its agent. */
export function isReport({ action, resource }: ModelAction): boolean {
  return resource.startsWith('effect/') && (action === 'done' || action === 'failed')
}

const reliefs = new Set([
  ...['reservation release', 'intent withdraw', 'task fail', 'handoff decline', 'transfer cancel', 'clock tick'],
  ...['generation close', 'generation reopen'],
])

/** What neither a breaker nor a budget holds back. */
export function isRelief(action: ModelAction): boolean {
  return isReport(action) || reliefs.has(`${typeOf(action.resource)} ${action.action}`)
}

export function leaseInForce(ledger: Ledger, scope: string, resource: string, nowMs: number): PlainObject | null {
  const found = ledger.find(scope, `reservation/${resource}`)
  if (found === undefined || found.state !== 'held') return null
  const { data } = found
  return (data.expiresMs as number) > nowMs && !ledger.isForfeit(data.holder as string, found) ? data : null
}

/** Whether an agent is one of those who may act under a lease. */
export function mayActUnder({ delegates, holder, lease }: PlainObject, { agent, reservation }: ModelIntent): boolean {
  return lease === reservation && [holder, ...((delegates ?? []) as string[])].includes(agent)
}

export function builtInAnswer(asked: Asked): BuiltInAnswer {
  const { action } = asked
  switch (typeOf(action.resource)) {
    case 'agent':
      return agentAnswer(asked)
    case 'correlation':
      return correlationAnswer(asked)
    case 'effect':
      return report(asked)
    case 'escalation':
      return escalationAnswer(asked)
    case 'generation':
      return generationAnswer(asked)
    case 'handoff':
      return handoffAnswer(asked)
    case 'intent':
      return withdraw(asked)
    case 'reservation':
      return action.action === 'take' ? take(asked) : keep(asked)
    case 'task':
      return taskAnswer(asked)
    case 'transfer':
      return transferAnswer(asked)
    default:
      return { made: null }
  }
}

function take({ action, before, intent, ledger, nowMs }: Asked): BuiltInAnswer {
  const resource = action.resource.slice('reservation/'.length)
  const contract = governing(resource)
  if (contract === undefined || (action.input.forMs as number) > 600_000) return no
  const held = leaseInForce(ledger, intent.scope, resource, nowMs)
  const priority = Math.min(intent.priority ?? 0, resource.startsWith('refund/') ? 5 : 0)
  if (held !== null && held.holder === intent.agent) return no
  if (held !== null && priority <= (held.priority as number)) return { code: 'RESERVED', resource }
  const expiresMs = nowMs + (action.input.forMs as number)
  const data = { holder: intent.agent, lease: intent.intentId, token: (before?.version ?? 0) + 1, expiresMs, priority, delegates: [] }
  return { made: { state: 'held', data, timer: { due: expiresMs, action: 'lapse' } } }
}

function keep({ action, before, intent, ledger, nowMs }: Asked): BuiltInAnswer {
  const { data } = before!
  const resource = action.resource.slice('reservation/'.length)
  if (action.action === 'renew' && (action.input.forMs as number) > 600_000) return no
  if ((data.expiresMs as number) <= nowMs || ledger.isForfeit(data.holder as string, before!))
    return { code: 'RESERVATION_EXPIRED', resource }
  if (data.holder !== intent.agent && !intent.agent.startsWith('human:')) return no
  if (action.action === 'delegate') return { made: { state: 'held', data: { ...data, delegates: action.input.to! }, timer: before!.timer } }
  if (action.action === 'release') return { made: { state: 'ended', data: { ...data, expiresMs: nowMs }, timer: null } }
  const expiresMs = nowMs + (action.input.forMs as number)
  return { made: { state: 'held', data: { ...data, expiresMs }, timer: { due: expiresMs, action: 'lapse' } } }
}

function report({ action, before, intent }: Asked): BuiltInAnswer {
  if (before!.data.agent !== intent.agent && !intent.agent.startsWith('human:')) return no
  const result = action.input.reason ?? action.input.result ?? null
  return { made: { state: action.action, data: { ...before!.data, result }, timer: null } }
}

function withdraw({ action, intent, ledger }: Asked): BuiltInAnswer {
  const pending = ledger.pending.get(action.resource.slice('intent/'.length))
  if (pending === undefined || pending.intent.scope !== intent.scope) return no
  return pending.intent.agent === intent.agent || intent.agent.startsWith('human:') ? { made: null } : no
}

/** What the clock does to a resource whose time is over; null where that cannot be done. */
export function lapsed(resource: string, before: ModelResource, nowMs: number, { maxOffers }: Containment): Made | null {
  const { data, state } = before
  switch (typeOf(resource)) {
    case 'agent':
      return { state: 'half-open', data: { ...data, successes: 0 }, timer: null }
    case 'effect': {
      if (data.idempotent === false || (data.attempt as number) >= (data.attempts as number))
        return { state: 'unreported', data, timer: null }
      const timer = { due: nowMs + (data.reportWithinMs as number), action: 'lapse' }
      return { state: 'pending', data: { ...data, attempt: (data.attempt as number) + 1 }, timer }
    }
    case 'escalation':
      return escalationLapse(before, nowMs)
    case 'handoff':
      return { state: 'expired', data, timer: null }
    case 'refund':
      return state === 'requested' ? { state: 'lapsed', data, timer: null } : null
    case 'reservation':
      return { state: 'ended', data: { ...data, expiresMs: Math.min(data.expiresMs as number, nowMs) }, timer: null }
    case 'task':
      return taskLapse(before, nowMs, maxOffers)
    case 'transfer': {
      const isUndone = (data.legs as PlainObject[]).every(({ status }) => status === 'refused')
      return { state: isUndone ? 'undone' : 'releasing', data, timer: null }
    }
    default:
      throw new Error(`no timer of ${resource} is known`)
  }
}
