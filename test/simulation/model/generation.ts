/** `generation/log`, written a second time: who closes a log and opens it again, and what a closed one lets through. */
import { type Asked, type BuiltInAnswer, no } from './asked.ts'
import type { ModelIntent } from './intent.ts'

export const generationLog = 'generation/log'

/** The one thing that can be asked of a closed log. */
export function isReopening({ actions, scope }: Pick<ModelIntent, 'actions' | 'scope'>): boolean {
  return (
    scope.startsWith('~partition/') && actions.length === 1 && actions[0]!.resource === generationLog && actions[0]!.action === 'reopen'
  )
}

export function generationAnswer({ action, before, intent, ledger, nowMs, systemScope }: Asked): BuiltInAnswer {
  if (action.resource !== generationLog || intent.scope !== systemScope || intent.actions.length > 1) return no
  const { next = null, reason } = action.input
  const said = { by: intent.agent, reason: reason!, sinceMs: nowMs }
  if (action.action === 'reopen') return { made: { state: 'open', data: { ...before!.data, ...said }, timer: null } }
  // No other log has this scope: what waits in it could never be decided.
  if ([...ledger.pending.values()].some((pending) => pending.intent.scope === systemScope)) return no
  return { made: { state: 'closed', data: { next, ...said }, timer: null } }
}
