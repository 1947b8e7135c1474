/** Who may ask, and how much: known, not in quarantine, its breaker closed, within its budget and its chain. */
import type { Budget, Containment } from '@signalbox/contract'
import { isRelief, isReport } from './built-in.ts'
import type { ModelSettings, Refusal } from './expected.ts'
import { isOwn } from './ledger.ts'
import type { Subject } from './planned.ts'

function isNamed(agent: string, names: readonly string[]): boolean {
  return names.some((name) => name === agent || (name.endsWith('*') && agent.startsWith(name.slice(0, -1))))
}

export function budgetOf(agent: string, { budgets }: Containment): Budget | undefined {
  return isOwn(agent) ? undefined : budgets.find(({ agents }) => isNamed(agent, agents))
}

export function heldBack({ agreed, intent, isKnown, ledger }: Subject, { agents, containment }: ModelSettings): Refusal | null {
  const { agent, actions, causationDepth, causationId, correlationId, deadline, intentId, scope } = intent
  const { time } = ledger
  if (agreed === null && deadline !== null && deadline < time) return { code: 'DEADLINE_PASSED' }
  if (!isNamed(agent, agents) && !isOwn(agent)) return { code: 'AGENT_UNKNOWN' }
  const isTick = actions.every(({ resource }) => resource.startsWith('clock/'))
  if ((agent === 'clock' && !isTick) || agent === 'signalbox') return { code: 'AGENT_NOT_ALLOWED' }
  if (ledger.quarantined.has(agent) && !actions.every(isReport)) return { code: 'AGENT_QUARANTINED' }
  const relieves = actions.every(isRelief)
  if (ledger.breaker(scope, agent) === 'open' && !relieves) return { code: 'BREAKER_OPEN', resource: `agent/${agent}` }
  const most = budgetOf(agent, containment)?.intents
  if (most !== undefined && !isKnown && !relieves && ledger.tally(scope, agent).asked.at(time) >= most) return { code: 'BUDGET_EXCEEDED' }
  if (isKnown || isOwn(agent)) return null
  const { correlationIntents, maxDepth } = containment
  const depth = causationId === null ? 0 : Math.max(ledger.depthOf(causationId), causationDepth ?? 0) + 1
  if (maxDepth !== null && depth > maxDepth) return { code: 'CHAIN_TOO_DEEP' }
  if (causationId === null && correlationId === intentId) return null
  const isTooMuch = () => ledger.correlations.at(correlationId, time) >= correlationIntents! || ledger.works.isStopped(correlationId, time)
  if (correlationIntents !== null && isTooMuch()) return { code: 'CORRELATION_EXHAUSTED' }
  return null
}

/** Why a breaker must open after a reject; false: it must not. */
export function mustOpen({ intent, ledger }: Pick<Subject, 'intent' | 'ledger'>, { breaker, repeatedRejects }: Containment): boolean {
  const { agent, scope } = intent
  if (isOwn(agent) || scope.startsWith('~partition/')) return false
  const tally = ledger.tally(scope, agent)
  if (repeatedRejects !== null && tally.repeatsAt(ledger.time) >= repeatedRejects) return true
  if (breaker.rejects === null) return false
  const rejects = tally.rejects.at(ledger.time)
  return rejects >= breaker.rejects && rejects >= breaker.ratio * tally.asked.at(ledger.time)
}
