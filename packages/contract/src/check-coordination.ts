/** Refuses what a contract says of timers, waiting, escalation and effects where it cannot work. */
import { bounds, longestMs } from './bounds.ts'
import { checkFunction } from './check-function.ts'
import type { AnyAction, Contract } from './contract.ts'
import { ContractError } from './contract-error.ts'
import { clockAgent, handoffParts } from './coordination.ts'
import { matchesAgent } from './identifiers.ts'

type AnyContract = Pick<Contract, 'states' | 'actions' | 'coordination'>

export function checkCoordination(contract: AnyContract, where: string): void {
  const { after, contradictions, escalation, handoff, maxPriority, reservation, rounds, waiting } = contract.coordination
  for (const [state, { action, ms }] of Object.entries(after)) checkTimer(contract, state, action, ms, `${where}, after ${state}`)
  whole(waiting.queue, 1, 10_000, `${where}, waiting.queue`)
  whole(waiting.bypasses, 1, 1_000_000, `${where}, waiting.bypasses`)
  whole(waiting.deadlineMs, 1, longestMs, `${where}, waiting.deadlineMs`)
  whole(reservation.maxMs, 1, longestMs, `${where}, reservation.maxMs`)
  whole(maxPriority, 0, bounds.priority.most, `${where}, maxPriority`)
  if (escalation.levels.length === 0) throw new ContractError(`${where}, escalation`, 'it has no levels; name at least one')
  for (const { to, withinMs } of escalation.levels) {
    if (!to) throw new ContractError(`${where}, escalation`, 'a level has nobody to ask; name a team or a role')
    whole(withinMs, 1, longestMs, `${where}, escalation, level ${to}`)
  }
  for (const part of handoff.requires)
    if (!handoffParts.includes(part))
      throw new ContractError(`${where}, handoff.requires`, `'${part}' is no part of a packet; there are ${handoffParts.join(', ')}`)
  if (contradictions !== null) whole(contradictions.count, 1, 1_000_000, `${where}, contradictions.count`)
  if (rounds === null) return
  // A resource remembers its last eight changes at least, and a round is of two or more.
  whole(rounds.count, 2, 4, `${where}, rounds.count`)
  whole(rounds.withinMs, 1, longestMs, `${where}, rounds.withinMs`)
}

function checkTimer(contract: AnyContract, state: string, name: string, ms: number, where: string): void {
  if (!contract.states.includes(state))
    throw new ContractError(where, `there is no state '${state}'; there are ${contract.states.join(', ')}`)
  whole(ms, 1, longestMs, where)
  const action = contract.actions[name]
  if (action === undefined)
    throw new ContractError(where, `there is no action '${name}'; there are ${Object.keys(contract.actions).join(', ')}`)
  if (!action.from.includes(state))
    throw new ContractError(where, `the action '${name}' does not start from '${state}'; add it to its 'from', or take another`)
  if (action.by !== null && !matchesAgent(clockAgent, action.by))
    throw new ContractError(where, `the action '${name}' is not the clock's to take; add '${clockAgent}' to its 'by'`)
  if (action.input !== null && !action.input.safeParse({}).success)
    throw new ContractError(where, `the action '${name}' asks for input, and the clock gives none; let its input be empty`)
  if (action.escalate.length > 0)
    throw new ContractError(where, `the action '${name}' may need a human, and the clock cannot wait for one; take another`)
}

export function checkActionCoordination(contract: AnyContract, action: AnyAction, where: string): void {
  for (const { approvals = 1, reason, to, when } of action.escalate) {
    checkFunction(when, `${where}, escalate`)
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(reason))
      throw new ContractError(where, `the escalation's reason '${reason}' must be upper-case letters, digits and underscores`)
    if (!to) throw new ContractError(where, 'an escalation has nobody to ask; name a team or a role')
    whole(approvals, 1, 16, `${where}, escalate, approvals`)
  }
  if (action.effect !== null) {
    whole(action.effect.reportWithinMs, 1, longestMs, `${where}, effect.reportWithinMs`)
    whole(action.effect.attempts, 1, 100, `${where}, effect.attempts`)
  }
  if (action.amount !== null) checkFunction(action.amount, `${where}, amount`)
  if (action.undo !== null && contract.actions[action.undo] === undefined)
    throw new ContractError(
      where,
      `it is undone by '${action.undo}', which is no action; there are ${Object.keys(contract.actions).join(', ')}`,
    )
  if (action.fact !== null) {
    checkFunction(action.fact.version, `${where}, fact.version`)
    if (action.fact.fields.length === 0)
      throw new ContractError(where, 'a fact knows no fields; name those of the data that its source owns')
  }
}

function whole(value: number, least: number, most: number, where: string): void {
  if (!(Number.isSafeInteger(value) && value >= least && value <= most))
    throw new ContractError(where, `it is ${value}; give a whole number from ${least} to ${most}`)
}
