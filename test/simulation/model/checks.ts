/** What stands against an intent before anything of its effects is looked at: versions, leases, and who waits. */
import { leaseInForce, mayActUnder, typeOf } from './built-in.ts'
import type { Refusal } from './expected.ts'
import { isOwn } from './ledger.ts'
import { governing } from './more-rules.ts'
import type { Planned, Subject } from './planned.ts'
import type { ModelResource } from './rules.ts'
import { worldOf } from './shadow.ts'

export const defaultWaiting = { queue: 64, bypasses: 16, deadlineMs: 60_000 }

export function waitingOf(resource: string) {
  return governing(resource)?.waiting ?? defaultWaiting
}

function expectedVersionOf({ agreed, intent }: Subject, { action }: Planned): number | null {
  if (agreed !== null) return agreed.get(action.resource) ?? action.expectedVersion
  return action.expectedVersion ?? intent.reads.find(({ resource }) => resource === action.resource)?.version ?? null
}

export function stale(subject: Subject, missed: number): Refusal | null {
  const { agreed, intent, ledger, planned } = subject
  for (const each of planned) {
    const { action, before, rule } = each
    if (rule === null || rule.commutes === true) continue
    const expected = expectedVersionOf(subject, each)
    if (expected === null) {
      if (before === undefined || rule.from.includes('none')) continue
      return { code: 'VERSION_REQUIRED', resource: action.resource, actualVersion: before.version }
    }
    if (rule.merges === true && expected > 0 && expected < (before?.version ?? 0)) continue
    const refusal = moved('STALE_VERSION', action.resource, expected, before, missed)
    if (refusal !== null) return refusal
  }
  for (const { resource, version } of intent.reads) {
    if (planned.some(({ action }) => action.resource === resource)) continue
    const current = ledger.find(worldOf(intent.scope, resource), resource)
    const refusal = moved('STALE_READ', resource, agreed?.get(resource) ?? version, current, missed)
    if (refusal !== null) return refusal
  }
  return null
}

function moved(
  code: string,
  resource: string,
  expectedVersion: number,
  current: ModelResource | undefined,
  missed: number,
): Refusal | null {
  const actualVersion = current?.version ?? 0
  if (actualVersion === expectedVersion) return null
  const since = (current?.history ?? []).map(({ version }) => version).filter((version) => version > expectedVersion)
  return {
    code: expectedVersion > actualVersion ? 'VERSION_FROM_THE_FUTURE' : code,
    resource,
    expectedVersion,
    actualVersion,
    movedBy: current?.history.at(-1)?.intentId ?? null,
    missed: since.slice(-missed),
  }
}

/** The fields of its data that an action changes. */
export function fieldsOf(before: ModelResource | undefined, after: { readonly [name: string]: unknown }): readonly string[] {
  const was: { readonly [name: string]: unknown } = before?.data ?? {}
  const names = new Set([...Object.keys(was), ...Object.keys(after)])
  return [...names].filter((name) => JSON.stringify(was[name]) !== JSON.stringify(after[name])).sort()
}

/** A merge into what has moved on: whether the same fields moved, or nobody knows any more which did. */
export function unmergeable(subject: Subject, each: Planned, mine: readonly string[], missed: number): Refusal | null {
  const { action, before } = each
  const expected = expectedVersionOf(subject, each)
  if (before === undefined || expected === null || expected === before.version) return null
  // The last two runs of changes are remembered.
  const inRun = ((before.version - 1) % missed) + 1
  const known = before.version - inRun - missed
  const since = before.history.filter(({ version }) => version > expected)
  const isKnown = expected >= known && since.every(({ fields }) => fields !== null)
  if (isKnown && !since.some(({ fields }) => fields!.some((field) => mine.includes(field)))) return null
  return moved('STALE_VERSION', action.resource, expected, before, missed)
}

/** Whoever holds a lease on what is acted on: the intent must be under it, or stronger. */
export function leases({ agreed, intent, ledger, planned }: Subject): Refusal | { readonly preempted: readonly string[] } {
  let isUnder = false
  let ended: string | null = null
  const preempted: string[] = []
  for (const { action, before, rule } of planned) {
    const { resource } = action
    if (rule === null) {
      if (resource.startsWith('reservation/') && before?.data.lease === intent.reservation) isUnder = true
      continue
    }
    const last = ledger.find(intent.scope, `reservation/${resource}`)?.data
    const held = leaseInForce(ledger, intent.scope, resource, ledger.time)
    if (last !== undefined && mayActUnder(last, intent)) {
      if (held === null) ended = resource
      else isUnder = true
    } else if (held !== null) {
      const priority = Math.min(intent.priority ?? 0, rule.mostPriority ?? 0)
      if (rule.mostPriority !== undefined && priority > (held.priority as number)) preempted.push(resource)
      else if (!isOwn(intent.agent)) return { code: 'RESERVED', resource }
    }
  }
  // Humans take their time: a lease that has ended meanwhile stands in nobody's way.
  if (intent.reservation === null || isUnder || agreed !== null) return { preempted }
  return ended === null ? { code: 'RESERVATION_UNKNOWN' } : { code: 'RESERVATION_EXPIRED', resource: ended }
}

/** Whoever was passed by too often goes first. */
export function behind({ intent, ledger, planned }: Subject): Refusal | null {
  if (ledger.pending.size === 0) return null
  const mine = ledger.pending.get(intent.intentId)
  for (const { action, rule } of planned) {
    const { resource } = action
    const isLease = typeOf(resource) === 'reservation'
    if (rule === null && !isLease) continue
    const held = leaseInForce(ledger, intent.scope, resource, ledger.time)
    if (held !== null && mayActUnder(held, intent)) continue
    for (const waiter of ledger.waitersFor(intent.scope, resource)) {
      if (waiter.intent.intentId === intent.intentId || waiter.bypassed < waitingOf(resource).bypasses) continue
      const asksTheSame = waiter.intent.actions.some((each) => each.action === action.action && each.resource === resource)
      const isLengthened = isLease && (action.action === 'take' || action.action === 'renew')
      if (!asksTheSame && !(isLengthened && waiter.code === 'RESERVED' && waiter.intent.agent !== intent.agent)) continue
      if (mine === undefined || mine.offset > waiter.offset || (mine.offset === waiter.offset && mine.index > waiter.index))
        return { code: 'BEHIND_WAITERS', resource }
    }
  }
  return null
}
