/** Who asks, and how much: in time, known, not in quarantine, its breaker closed, within its budget and its chain. */
import { agentKey, agentResource, type Budget, clockAgent, holdsAgent, matchesAgent } from '@signalbox/contract'
import { depthOf } from '../../evolve/coordination.ts'
import { countIn } from '../../state/coordination/windows.ts'
import { isOwnAgent } from '../../state/own-agents.ts'
import type { Check } from '../check.ts'
import { builtInOf, type Examination } from '../examination.ts'
import type { Rejection } from '../rejection.ts'

export const deadline: Check = {
  name: 'deadline',
  run({ agreed, intent, nowMs }) {
    if (intent.deadline === null || intent.deadline >= nowMs || agreed !== null) return null
    return {
      code: 'DEADLINE_PASSED',
      message: `the deadline passed ${nowMs - intent.deadline} ms before the intent was decided; if it still makes sense, send it with a new id and a later deadline`,
      details: { deadline: intent.deadline, nowMs },
    }
  },
  seen: ({ intent, nowMs }) => ({ nowMs, deadline: intent.deadline }),
}

export const agent: Check = {
  name: 'agent',
  run(examination) {
    const { intent, rules, state } = examination
    if (rules.agents !== null && !matchesAgent(intent.agent, rules.agents) && !isOwnAgent(intent.agent)) {
      return {
        code: 'AGENT_UNKNOWN',
        message: `agent ${intent.agent} is not among the agents of the settings; add it to 'agents' in signalbox.config.ts`,
      }
    }
    const feigned = feigns(examination)
    if (feigned !== null) return feigned
    const quarantine = state.coordination.quarantineOf(intent.agent)
    // What was done in the world must be told, whatever became of who did it.
    if (quarantine !== undefined && !isRelief(examination, 'report')) {
      return {
        code: 'AGENT_QUARANTINED',
        message: `agent ${intent.agent} is in quarantine: ${quarantine.reason}. Nothing it asks is committed until a human releases it`,
        details: { reason: quarantine.reason, sinceMs: quarantine.sinceMs },
      }
    }
    return breaker(examination)
  },
  seen: ({ intent, nowMs, state }) => ({
    agent: intent.agent,
    quarantined: state.coordination.quarantineOf(intent.agent) !== undefined,
    breaker: state.coordination.tallies.get(intent.scope, intent.agent, nowMs).breaker,
  }),
}

/** What the clock and the rules do happens by itself. An intent in their name can only be a tick. */
function feigns({ intent }: Examination): Rejection | null {
  const { actions } = intent
  const name = agentKey(intent.agent)
  if (name !== clockAgent && name !== 'signalbox') return null
  if (intent.agent === clockAgent && actions.every(({ resource }) => resource.startsWith('clock/'))) return null
  return {
    code: 'AGENT_NOT_ALLOWED',
    message: `what ${name} does happens by itself, when it is due; nobody sends it. Propose it in your own name`,
  }
}

function breaker(examination: Examination): Rejection | null {
  const { intent, nowMs, state } = examination
  const tally = state.coordination.tallies.get(intent.scope, intent.agent, nowMs)
  if (tally.breaker !== 'open' || isRelief(examination, 'any')) return null
  const resource = agentResource(intent.agent)
  const timer = state.resourceIn(intent.scope, resource)?.timer ?? null
  return {
    code: 'BREAKER_OPEN',
    message: `too much that ${intent.agent} asked in scope ${intent.scope} went wrong, and its breaker is open; find out why before you go on (signalbox agent show ${intent.agent})`,
    resource,
    ...(timer === null ? {} : { retryAfterMs: Math.max(1, timer.due - nowMs) }),
  }
}

/** Whether an intent does nothing but give back, report or withdraw: what makes things better is never held back. */
export function isRelief({ intent, rules }: Examination, kind: 'report' | 'any'): boolean {
  return intent.actions.every(({ action, resource }) => {
    const prepared = rules.contracts.governing(resource, resource.indexOf('/'))?.actions.get(action)
    const own = prepared === undefined ? null : builtInOf(prepared)
    return own?.relief === 'report' || (kind === 'any' && own?.relief === 'release')
  })
}

export const budget: Check = {
  name: 'budget',
  run(examination) {
    const { intent, nowMs, rules, state } = examination
    const { budgets } = rules.containment
    if (budgets.length === 0 || isOwnAgent(intent.agent)) return null
    const found = budgets.find(({ agents }) => holdsAgent(intent.agent, agents)) ?? null
    examination.budget = found
    // What was pending was counted when it came.
    if (found?.intents === undefined || examination.wasPending || isRelief(examination, 'any')) return null
    const { tallies } = state.coordination
    const tally = tallies.get(intent.scope, intent.agent, nowMs)
    const asked = tallies.asked(tally, nowMs)
    if (asked < found.intents) return null
    return exceeded(examination, 'intents', found.intents, asked, tallies.roomInMs(tally.askedBefore, tally.asked, found.intents, nowMs))
  },
  seen: (examination) => seenOfBudget(examination),
}

function seenOfBudget({ budget, intent, nowMs, state }: Examination) {
  const { tallies } = state.coordination
  const tally = tallies.get(intent.scope, intent.agent, nowMs)
  return {
    asked: tallies.asked(tally, nowMs),
    amount: tallies.amount(tally, nowMs),
    pending: tally.pending,
    limit: budget === null ? null : limitsOf(budget),
  }
}

function limitsOf({ amount, intents, pending }: Budget) {
  return { amount: amount ?? null, intents: intents ?? null, pending: pending ?? null }
}

export function exceeded(
  examination: Examination,
  name: 'intents' | 'amount',
  limit: number,
  used: number,
  retryAfterMs: number | null,
): Rejection {
  const { intent } = examination
  const next = retryAfterMs === null ? 'time alone does not make room for it;' : `ask again in ${retryAfterMs} ms, or`
  return {
    code: 'BUDGET_EXCEEDED',
    message: `${intent.agent} has used ${used} of its budget of ${limit} ${name === 'intents' ? 'intents' : 'in declared amounts'} in scope ${intent.scope}; ${next} have the budget raised (containment in signalbox.config.ts)`,
    details: { budget: name, limit, used },
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  }
}

export const chain: Check = {
  name: 'chain',
  run({ intent, nowMs, rules, state, wasPending }) {
    if (wasPending || isOwnAgent(intent.agent)) return null
    const { correlationIntents, maxDepth } = rules.containment
    const depth = depthOf(state, intent, nowMs)
    if (maxDepth !== null && depth > maxDepth) {
      return {
        code: 'CHAIN_TOO_DEEP',
        message: `the intent is ${depth} steps from the first of its chain, and ${maxDepth} are let; agents that go on answering each other need a human (signalbox trace ${intent.correlationId})`,
        details: { depth, limit: maxDepth },
      }
    }
    if (correlationIntents === null || (intent.causationId === null && intent.correlationId === intent.intentId)) return null
    const { coordination, limits } = state
    const here = countIn(coordination.correlations.get(intent.correlationId), nowMs, limits.windowMs)
    const exhausted = coordination.exhaustion(intent.correlationId, nowMs)
    if (here < correlationIntents && exhausted === undefined) return null
    const count = Math.max(here, exhausted?.count ?? 0)
    return {
      code: 'CORRELATION_EXHAUSTED',
      message: `${count} intents of correlation ${intent.correlationId} were taken up within ${limits.windowMs} ms, and ${correlationIntents} are let; find out what goes round (signalbox trace ${intent.correlationId})`,
      details: { count, limit: correlationIntents },
      ...(exhausted === undefined ? {} : { retryAfterMs: exhausted.untilMs - nowMs }),
    }
  },
  seen: ({ intent, nowMs, state }) => ({
    depth: depthOf(state, intent, nowMs),
  }),
}
