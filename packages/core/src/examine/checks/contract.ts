/** Contract and payload: every action exists, its agent may take it, and its input fits. Plans the actions. */
import { type ActionRequest, type Contract, matchesAgent, type RejectCode, resourceType } from '@signalbox/contract'
import type { Issue, PreparedAction } from '../../rules/prepared.ts'
import { runContractCode } from '../../rules/sandbox.ts'
import type { Check } from '../check.ts'
import type { Examination, PlannedAction } from '../examination.ts'
import type { Rejection } from '../rejection.ts'

export const contract: Check = {
  name: 'contract',
  run(examination) {
    const { actions } = examination.intent
    for (let index = 0; index < actions.length; index++) {
      const planned = plan(examination, actions[index]!)
      if ('code' in planned) return planned
      // An array that is made with its first entry has room for it alone, and most intents have one action.
      if (index === 0) examination.planned = [planned]
      else examination.planned.push(planned)
    }
    return null
  },
  seen: ({ planned }) => ({
    actions: planned.map(({ contract, request }) => ({
      resource: request.resource,
      action: request.action,
      contract: `${contract.type}@${contract.version}`,
      input: JSON.parse(request.input),
    })),
  }),
}

function plan(examination: Examination, request: ActionRequest): PlannedAction | Rejection {
  const { resource } = request
  const slash = resource.indexOf('/')
  const governing = examination.rules.contracts.governing(resource, slash)
  if (governing === undefined) return unknownContract(examination, request)
  const prepared = governing.actions.get(request.action)
  if (prepared === undefined) return unknownAction(governing.contract, request)
  const { action, contract } = prepared
  if (action.by !== null && !matchesAgent(examination.intent.agent, action.by)) {
    const who = `agent ${examination.intent.agent} may not ${request.action} ${resource}`
    return reject(request, contract, 'AGENT_NOT_ALLOWED', `${who}: contract ${nameOf(contract)} lets ${action.by.join(', ')}`)
  }
  if (examination.plannedFor(resource) !== undefined) {
    const message = `${resource} is named by two actions of one intent; make one action of the two, or two intents`
    return reject(request, contract, 'RESOURCE_REPEATED', message)
  }
  const value: unknown = JSON.parse(request.input)
  const { readInput } = prepared
  if (readInput === null && request.input !== '{}')
    return invalidInput(prepared, request, [{ path: '', message: 'this action takes no input; send {}' }])
  const read = readInput === null ? null : runContractCode(prepared.whereInput, readInput, value)
  if (read?.success === false) return invalidInput(prepared, request, read.issues)
  const before = examination.current(resource)
  return {
    request,
    prepared,
    id: resource.slice(slash + 1),
    contract,
    action,
    before,
    input: read === null ? value : read.data,
    data: before === undefined ? undefined : examination.dataOf(resource, before),
    after: null,
    factVersion: null,
    followingLength: 0,
    agreedTo: null,
  }
}

function nameOf({ type, version }: Contract): string {
  return `${type}@${version}`
}

function reject({ resource }: ActionRequest, contract: Contract | null, code: RejectCode, message: string): Rejection {
  return { code, message, resource, ...(contract === null ? {} : { owner: contract.owner }) }
}

function unknownContract({ rules }: Examination, request: ActionRequest): Rejection {
  const known = rules.contracts.all.map(({ type }) => type).join(', ')
  const type = resourceType(request.resource)
  return reject(request, null, 'CONTRACT_UNKNOWN', `no contract governs ${type} (of ${request.resource}); there are ${known}`)
}

function unknownAction(contract: Contract, request: ActionRequest): Rejection {
  const known = Object.keys(contract.actions).join(', ')
  return reject(request, contract, 'ACTION_UNKNOWN', `contract ${nameOf(contract)} has no action ${request.action}; it has ${known}`)
}

function invalidInput({ contract }: PreparedAction, request: ActionRequest, issues: readonly Issue[]): Rejection {
  const said = issues.map(({ path, message }) => `${path === '' ? '' : `${path}: `}${message}`).join('; ')
  const message = `input of ${request.action} ${request.resource}: ${said}`
  return { ...reject(request, contract, 'INPUT_INVALID', message), details: { issues } }
}
