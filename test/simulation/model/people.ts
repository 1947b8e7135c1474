/** `escalation/ID`, written a second time: who may answer what, and what it comes to. */
import { createHash } from 'node:crypto'
import { type Asked, type BuiltInAnswer, no } from './asked.ts'
import type { Made, Refusal } from './expected.ts'
import { type ModelIntent, type PlainObject, sortedText, toModel } from './intent.ts'
import type { ModelPending } from './ledger.ts'
import type { ModelResource, ModelTimer } from './rules.ts'

export interface SeenVersion {
  readonly [name: string]: string | number
  readonly resource: string
  readonly version: number
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

export function digestOf(versions: readonly SeenVersion[]): string {
  return hashOf(sortedText([...versions]))
}

export function agreedOn({ versions }: PlainObject): ReadonlyMap<string, number> {
  return new Map((versions as SeenVersion[]).map(({ resource, version }) => [resource, version]))
}

/** When the level that is asked now is over. */
export function levelEnd({ expiresMs, level, levels }: PlainObject, nowMs: number): ModelTimer {
  const { withinMs } = (levels as PlainObject[])[level as number]!
  return { due: Math.min(expiresMs as number, nowMs + (withinMs as number)), action: 'lapse' }
}

export function escalationLapse({ data }: ModelResource, nowMs: number): Made {
  const level = (data.level as number) + 1
  const levels = data.levels as PlainObject[]
  const untilMs = (data.untilMs as number | null) ?? Number.MAX_SAFE_INTEGER
  if (nowMs >= untilMs || level >= levels.length)
    return { state: 'expired', data: { ...data, verdict: 'expired', verdictReason: '*' }, timer: null }
  let endMs = nowMs
  for (const { withinMs } of levels.slice(level)) endMs += withinMs as number
  const expiresMs = Math.min(untilMs, Math.max(data.expiresMs as number, endMs))
  const next = { ...data, level, to: levels[level]!.to!, expiresMs }
  return { state: 'triggered', data: next, timer: levelEnd(next, nowMs) }
}

export function escalationAnswer(asked: Asked): BuiltInAnswer {
  const { action, before, intent } = asked
  const { data, timer } = before!
  const by = intent.agent
  if (intent.actions.length > 1 || !by.startsWith('human:')) return no
  const { assignee = null, reason } = action.input
  switch (action.action) {
    case 'acknowledge':
      return { made: { state: 'acknowledged', data: { ...data, acknowledgedBy: by }, timer } }
    case 'assign':
      return { made: { state: 'acknowledged', data: { ...data, acknowledgedBy: data.acknowledgedBy ?? by, assignee }, timer } }
    case 'reject':
      return { made: resolved(data, 'rejected', by, reason as string) }
  }
  const refusal = refusalOf(asked)
  if (refusal !== null) return refusal
  if (action.action === 'amend') return { made: resolved(data, 'amended', by, reason as string) }
  const approvals = [...(data.approvals as PlainObject[]), { by, reason: reason! }]
  if (approvals.length < (data.approvalsNeeded as number)) return { made: { state: before!.state, data: { ...data, approvals }, timer } }
  return { made: resolved({ ...data, approvals }, 'approved', by, reason as string) }
}

function resolved(data: PlainObject, verdict: string, verdictBy: string, verdictReason: string): Made {
  return { state: 'resolved', data: { ...data, verdict, verdictBy, verdictReason }, timer: null }
}

/** Why an approval or an amendment cannot be; null where it can. */
function refusalOf(asked: Asked): Refusal | null {
  const { action, before, decideAgain, intent, ledger } = asked
  const { data } = before!
  const { actions = null, digest } = action.input
  const needed = data.approvalsNeeded as number
  const approvals = data.approvals as PlainObject[]
  if (data.separationOfDuties === true && data.agent === intent.agent) return no
  if (approvals.some(({ by }) => by === intent.agent)) return no
  const here = { code: 'VERDICT_REFUSED', resource: action.resource, actualVersion: null, movedBy: null }
  if (digest !== data.digest) return here
  if (actions !== null && needed > 1) return no
  if (approvals.length + 1 < needed) return null
  const pending = data.intentId === null ? undefined : ledger.pending.get(data.intentId as string)
  if (pending === undefined) return data.intentId === null && actions === null ? null : no
  const isInPlace = (actions as PlainObject[] | null)?.some(({ resource }) => /^(escalation|intent)\//.test(resource as string))
  if (isInPlace === true) return no
  const subject =
    actions === null ? pending.intent : amendment(pending, actions as PlainObject[], action.input.reason as string, intent.intentId)
  const again = decideAgain(subject, agreedOn(data))
  if (again.code !== null) {
    const { actualVersion, code, expectedVersion, missed, movedBy, resource } = again
    const isRenewed = code === 'STALE_READ' || code === 'STALE_VERSION'
    return { code: 'VERDICT_REFUSED', resource: resource ?? action.resource, actualVersion, expectedVersion, missed, movedBy, isRenewed }
  }
  if ((again.question?.approvals ?? 1) <= needed) return null
  return actions === null ? { ...here, isRenewed: true } : no
}

/** What a human has done in place of an intent, by the same agent. Its id is made by the core: any will do here. */
export function amendment({ intent }: ModelPending, actions: readonly PlainObject[], note: string, intentId: string): ModelIntent {
  const { agent, correlationId, scope } = intent
  return toModel({ intentId, scope, agent, actions: [...actions], correlationId, causationId: intent.intentId, note })
}
