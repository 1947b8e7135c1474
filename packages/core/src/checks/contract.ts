/** Contract and payload: every action exists, its agent may take it, and its input fits. Plans the actions. */
import { matchesAgent, type RejectCode, resourceId, resourceType } from '@signalbox/contract'
import type { z } from 'zod'
import type { Check } from '../check.ts'
import type { Examination, PlannedAction } from '../examination.ts'
import type { Rejection } from '../rejection.ts'
import { runContractCode } from '../sandbox.ts'
import { resourceKey } from '../state.ts'

export const contract: Check = {
  name: 'contract',
  run(examination) {
    const { actions } = examination.intent
    for (let index = 0; index < actions.length; index++) {
      const planned = plan(examination, index)
      if ('code' in planned) return planned
      examination.planned.push(planned)
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

function plan(examination: Examination, index: number): PlannedAction | Rejection {
  const { intent, rules } = examination
  const request = intent.actions[index]!
  const type = resourceType(request.resource)!
  const contract = rules.contracts.get(type)
  const reject = (code: RejectCode, message: string): Rejection => ({
    code,
    message,
    resource: request.resource,
    ...(contract === undefined ? {} : { owner: contract.owner }),
  })
  if (contract === undefined) {
    const known = rules.contracts.all.map((each) => each.type).join(', ')
    return reject('CONTRACT_UNKNOWN', `no contract governs ${type} (of ${request.resource}); there are ${known}`)
  }
  if (!Object.hasOwn(contract.actions, request.action)) {
    return reject(
      'ACTION_UNKNOWN',
      `contract ${type}@${contract.version} has no action ${request.action}; it has ${Object.keys(contract.actions).join(', ')}`,
    )
  }
  const action = contract.actions[request.action]!
  if (action.by !== null && !matchesAgent(intent.agent, action.by)) {
    return reject(
      'AGENT_NOT_ALLOWED',
      `agent ${intent.agent} may not ${request.action} ${request.resource}: contract ${type}@${contract.version} lets ${action.by.join(', ')}`,
    )
  }
  if (examination.plannedFor(request.resource) !== undefined) {
    return reject(
      'RESOURCE_REPEATED',
      `${request.resource} is named by two actions of one intent; make one action of the two, or two intents`,
    )
  }
  const read = readInput(request.input, action.input, `contract ${type}@${contract.version}, input of ${request.action}`)
  if (!read.ok) {
    return {
      ...reject(
        'INPUT_INVALID',
        `input of ${request.action} ${request.resource}: ${read.issues.map(({ path, message }) => `${path === '' ? '' : `${path}: `}${message}`).join('; ')}`,
      ),
      details: { issues: read.issues },
    }
  }
  const key = resourceKey(intent.scope, request.resource)
  const before = examination.state.resource(key)
  return {
    request,
    key,
    id: resourceId(request.resource),
    contract,
    action,
    before,
    input: read.input,
    data: before === undefined ? undefined : JSON.parse(before.data),
    after: null,
  }
}

type Issue = { readonly path: string; readonly message: string }

function readInput(
  text: string,
  schema: z.ZodType | null,
  where: string,
): { ok: true; input: unknown } | { ok: false; issues: readonly Issue[] } {
  const value: unknown = JSON.parse(text)
  if (schema === null)
    return text === '{}'
      ? { ok: true, input: value }
      : { ok: false, issues: [{ path: '', message: 'this action takes no input; send {}' }] }
  const parsed = runContractCode(where, () => schema.safeParse(value))
  if (parsed.success) return { ok: true, input: parsed.data }
  return { ok: false, issues: parsed.error.issues.slice(0, 8).map(({ path, message }) => ({ path: path.map(String).join('.'), message })) }
}
