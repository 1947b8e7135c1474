/** `agent/NAME`, written a second time: what it can do, its quarantine and its way out of it. */
import { type Asked, type BuiltInAnswer, no } from './asked.ts'
import type { PlainObject } from './intent.ts'
import type { Ledger } from './ledger.ts'

/** What a scope knows of an agent. */
export function knownOf(ledger: Ledger, scope: string, agent: string, nowMs: number): PlainObject {
  const found = ledger.find(scope, `agent/${agent}`)
  return found?.data ?? { agent, reason: '', sinceMs: nowMs, taintedSinceMs: null, opens: 0, successes: 0, capabilities: [] }
}

export function agentAnswer(asked: Asked): BuiltInAnswer {
  const { action, before, intent, ledger, nowMs, systemScope } = asked
  const agent = action.resource.slice('agent/'.length)
  const isItsPlace = intent.scope === `~agent/${agent}` || intent.scope === systemScope
  if (action.action === 'declare') {
    if (agent !== intent.agent) return no
    const data = { ...knownOf(ledger, intent.scope, agent, nowMs), capabilities: action.input.capabilities! }
    return { made: { state: before?.state ?? 'active', data, timer: before?.timer ?? null } }
  }
  if (action.action === 'quarantine') {
    if (!isItsPlace) return no
    const data = {
      agent,
      reason: action.input.reason!,
      sinceMs: before?.state === 'quarantined' ? before.data.sinceMs! : nowMs,
      taintedSinceMs: action.input.taintedSinceMs ?? null,
      opens: 0,
      successes: 0,
      capabilities: before?.data.capabilities ?? [],
    }
    return { made: { state: 'quarantined', data, timer: null } }
  }
  if (agent === intent.agent || (intent.scope.startsWith('~partition/') && !isItsPlace)) return no
  const data = { ...before!.data, reason: action.input.reason!, sinceMs: nowMs, taintedSinceMs: null, successes: 0 }
  return { made: { state: 'active', data, timer: null } }
}
