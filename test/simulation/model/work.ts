/** `task/ID` and `handoff/ID`, written a second time: who has the work, since when and until when, and how it changes hands. */
import { type Asked, type BuiltInAnswer, no } from './asked.ts'
import type { Made } from './expected.ts'
import type { PlainObject } from './intent.ts'
import { hashOf } from './people.ts'
import type { ModelResource } from './rules.ts'

export function taskAnswer(asked: Asked): BuiltInAnswer {
  const { action, before, intent, nowMs } = asked
  const { input } = action
  const data = before?.data
  switch (action.action) {
    case 'offer': {
      const { claimWithinMs = null, leaseMs = 300_000, needs = [], payload = {}, title } = input
      const asks = { title: title!, needs, payload, leaseMs, claimWithinMs }
      const fresh = { offeredBy: intent.agent, claimedBy: null, token: data?.token ?? 0, expiresMs: null, result: null }
      return { made: offered({ ...asks, ...fresh, offers: 1, hops: data?.hops ?? 0 }, nowMs) }
    }
    case 'claim': {
      if (before!.state === 'claimed' && isHeld(asked, before!)) return no
      const able = (asked.ledger.find(intent.scope, `agent/${intent.agent}`)?.data.capabilities ?? []) as string[]
      if (!(data!.needs as string[]).every((need) => able.includes(need))) return no
      return { made: claimed(data!, intent.agent, nowMs) }
    }
    case 'cancel':
      return data!.offeredBy === intent.agent || intent.agent.startsWith('human:') ? { made: ended('cancelled', data!, input) } : no
    default: {
      // renew, done, fail
      if (data!.claimedBy !== intent.agent || !isHeld(asked, before!)) return no
      if (action.action === 'done' || action.action === 'fail')
        return { made: ended(action.action === 'done' ? 'done' : 'failed', data!, input) }
      const expiresMs = nowMs + (data!.leaseMs as number)
      return { made: { state: 'claimed', data: { ...data!, expiresMs }, timer: { due: expiresMs, action: 'lapse' } } }
    }
  }
}

function isHeld({ ledger, nowMs }: Asked, task: ModelResource): boolean {
  const { claimedBy, expiresMs } = task.data
  return claimedBy != null && expiresMs != null && (expiresMs as number) > nowMs && !ledger.isForfeit(claimedBy as string, task)
}

export function claimed(task: PlainObject, agent: string, nowMs: number): Made {
  const expiresMs = nowMs + (task.leaseMs as number)
  const data = { ...task, claimedBy: agent, token: (task.token as number) + 1, expiresMs }
  return { state: 'claimed', data, timer: { due: expiresMs, action: 'lapse' } }
}

function offered(data: PlainObject, nowMs: number): Made {
  const { claimWithinMs } = data
  return { state: 'offered', data, timer: claimWithinMs === null ? null : { due: nowMs + (claimWithinMs as number), action: 'lapse' } }
}

function ended(state: string, data: PlainObject, { reason, result }: PlainObject): Made {
  return { state, data: { ...data, expiresMs: null, result: result ?? reason ?? null }, timer: null }
}

export function taskLapse({ data, state }: ModelResource, nowMs: number, maxOffers: number): Made {
  const free = { ...data, claimedBy: null, expiresMs: null }
  if (state === 'offered' || (data.offers as number) >= maxOffers) return { state: 'unclaimed', data: free, timer: null }
  return offered({ ...free, offers: (data.offers as number) + 1 }, nowMs)
}

export function handoffAnswer(asked: Asked): BuiltInAnswer {
  const { action, before, containment, intent, ledger, nowMs } = asked
  const { input } = action
  if (action.action === 'offer') {
    const { seal, position, references = [], task = null, to, withinMs = 300_000 } = input
    if (!(position as string).startsWith(`${ledger.partition}:`)) return no
    const isAhead = (references as { resource: string; version: number }[]).some(
      ({ resource, version }) => version > (ledger.find(intent.scope, resource)?.version ?? 0),
    )
    if (isAhead) return no
    if (task !== null) {
      const found = (task as string).startsWith('task/') ? ledger.find(intent.scope, task as string) : undefined
      if (found?.state !== 'claimed' || found.data.claimedBy !== intent.agent) return no
      if ((found.data.hops as number) >= containment.maxHops) return no
    }
    const expiresMs = nowMs + (withinMs as number)
    const data = { to: to!, task, seal: seal!, position: position!, references, from: intent.agent, moved: [], expiresMs, reason: null }
    return { made: { state: 'offered', data, timer: { due: expiresMs, action: 'lapse' } } }
  }
  const { data } = before!
  if (data.to !== intent.agent) return no
  if (action.action === 'decline') return { made: { state: 'declined', data: { ...data, reason: input.reason! }, timer: null } }
  if (hashOf(input.readback as string) !== data.seal) return no
  if (data.task !== null && !isStillWith(asked, data.task as string, data.from as string)) return no
  const moved = (data.references as { resource: string; version: number }[]).flatMap(({ resource, version }) => {
    const now = ledger.find(intent.scope, resource)?.version ?? 0
    return now === version ? [] : [{ resource, from: version, to: now }]
  })
  return { made: { state: 'accepted', data: { ...data, moved }, timer: null } }
}

/** Whether a task is still in the hands of who wants to hand it on. */
export function isStillWith(asked: Pick<Asked, 'intent' | 'ledger' | 'nowMs'>, task: string, agent: string): boolean {
  const found = asked.ledger.find(asked.intent.scope, task)
  return found?.state === 'claimed' && found.data.claimedBy === agent && isHeld(asked as Asked, found)
}
