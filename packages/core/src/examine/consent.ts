/** When a human must agree before an intent is committed that nothing else stands against. */
import { type AnyContext, clockAgent, formatEventReference } from '@signalbox/contract'
import { ContractFault, described, runContractCode } from '../rules/sandbox.ts'
import { type Change, changesSince, type ResourceState } from '../state/resource.ts'
import { ActionContext } from './contexts.ts'
import type { Examination, NewEscalation } from './examination.ts'

export function escalationNeeded(examination: Examination): NewEscalation | null {
  return examination.escalation ?? taintFound(examination)
}

/** The first rule of the contracts that asks for a human. Contract code runs here: as a check, before the decision is over. */
export function ruledEscalation(examination: Examination): NewEscalation | null {
  for (const planned of examination.planned) {
    const { escalate } = planned.action
    for (let index = 0; index < escalate.length; index++) {
      const rule = escalate[index]!
      const where = planned.prepared.whereEscalate
      const answer = runContractCode(where, rule.when, new ActionContext(examination, planned) as AnyContext)
      if (answer !== true && answer !== false) throw new ContractFault(`${where} returned ${described(answer)}; return true or false`)
      if (!answer) continue
      const { resource } = planned.request
      const message = `${planned.request.action} ${resource} needs a human's consent: ${rule.reason}`
      return { cause: rule.reason, message, resource, to: rule.to, approvals: rule.approvals ?? 1 }
    }
  }
  return goesRound(examination)
}

/** Whether an action comes back to where it was again and again, as nothing that is only committed would show. */
function goesRound({ nowMs, planned }: Examination): NewEscalation | null {
  for (const { before, contract, prepared, request } of planned) {
    const { rounds } = contract.coordination
    if (rounds === null || before === undefined) continue
    let times = 0
    let hasOthers = false
    for (const change of changesSince(before, 0)) {
      if (change.time < nowMs - rounds.withinMs) break
      if (change.action !== prepared.name) hasOthers = true
      // Once in a row: taken twice at a stretch it may be getting somewhere.
      else if (hasOthers) {
        times++
        hasOthers = false
      }
    }
    if (times < rounds.count) continue
    return {
      cause: 'GOES_ROUND',
      message: `${request.action} ${request.resource} goes round: it was taken ${times} times within ${rounds.withinMs} ms, with other actions in between, and nothing was rejected; somebody must say how it ends`,
      resource: request.resource,
      to: rounds.to,
      approvals: 1,
    }
  }
  return null
}

/** Whether the intent stands on what an agent in quarantine wrote after it went wrong. */
function taintFound(examination: Examination): NewEscalation | null {
  const { intent, planned, state } = examination
  const { quarantines } = state.coordination
  // Whether a log goes on is for the human who says so: nobody could be asked in a closed one.
  if (quarantines.size === 0 || planned.some(({ prepared, contract }) => prepared.builtIn !== null && contract.type === 'generation'))
    return null
  const named = [
    ...planned.map(({ prepared, request }) => (prepared.builtIn === null ? request.resource : '')),
    ...intent.reads.map(({ resource }) => resource),
  ]
  for (const resource of named) {
    const current = resource === '' ? undefined : examination.current(resource)
    const said = current === undefined ? null : taintOf(current, examination)
    if (said !== null)
      return { cause: 'TAINTED', message: `${resource} ${said}: look whether it can be trusted`, resource, to: null, approvals: 1 }
  }
  return null
}

/** What is doubtful about a resource; null where nothing is. Doubt follows what others made of it, until a human has cleared it. */
function taintOf(current: ResourceState, { state: { coordination } }: Examination): string | null {
  const isDoubtful = (agent: string, time: number) => {
    const since = coordination.quarantineOf(agent)?.taintedSinceMs ?? null
    return since !== null && time >= since
  }
  const change = lastByAgent(current)
  if (change !== undefined && isDoubtful(change.agent, change.time))
    return `was last changed by ${change.agent}, which is in quarantine, after it went wrong (event ${formatEventReference(change)})`
  const influence = current.influences.find(({ agent, time }) => isDoubtful(agent, time))
  if (influence === undefined) return null
  return `builds on what ${influence.agent}, which is in quarantine, wrote after it went wrong`
}

/** The last change that the clock did not make, as far as changes are remembered: it acts on what is there, whoever put it there. */
function lastByAgent(current: ResourceState): Change | undefined {
  for (const change of changesSince(current, 0)) if (change.agent !== clockAgent) return change
  return undefined
}
