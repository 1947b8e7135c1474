/** What would come of it: state, guards, the new data, invariants, size. */
import { type AnyContext, canonicalize, flatObject, JsonError, none, Refusal, type ResourceChange, utf8Length } from '@signalbox/contract'
import { bounded } from '../bounded.ts'
import type { Check } from '../check.ts'
import { ActionContext, InvariantContext } from '../contexts.ts'
import type { Examination, PlannedAction } from '../examination.ts'
import type { Rejection } from '../rejection.ts'
import { ContractFault, runContractCode } from '../sandbox.ts'

function about({ before, contract, request }: PlannedAction): Omit<Rejection, 'code' | 'message'> {
  return {
    resource: request.resource,
    owner: contract.owner,
    ...(before === undefined ? {} : { actualVersion: before.version, current: before }),
  }
}

export const states: Check = {
  name: 'states',
  run({ planned }) {
    for (const each of planned) {
      const state = each.before?.state ?? none
      if (each.action.from.includes(state)) continue
      const { request } = each
      const message =
        each.before === undefined
          ? `${request.resource} does not exist, and ${request.action} starts from ${each.action.from.join(' or ')}`
          : each.action.from.includes(none)
            ? `${request.resource} exists already, in state ${state}, and ${request.action} creates it`
            : `${request.resource} is in state ${state}, and ${request.action} starts from ${each.action.from.join(' or ')}`
      return {
        ...about(each),
        code: 'STATE_CONFLICT',
        message: `${message}; observe it and decide what is left to do`,
        details: { state, from: each.action.from },
      }
    }
    return null
  },
  seen: ({ planned }) => ({
    states: planned.map(({ action, before, request }) => ({ resource: request.resource, state: before?.state ?? none, from: action.from })),
  }),
}

const maxReasonLength = 500

export const guards: Check = {
  name: 'guards',
  run(examination) {
    for (const planned of examination.planned) {
      const { guard } = planned.action
      if (guard === null) continue
      const at = planned.prepared.whereGuard
      const answer = runContractCode(at, guard, new ActionContext(examination, planned) as AnyContext)
      if (answer === true) continue
      if (answer !== false && !(answer instanceof Refusal))
        throw new ContractFault(`${at} returned ${typeof answer}; return true, false or refuse('WHY')`)
      const reason = answer === false ? null : bounded(`${answer.reason}`, maxReasonLength)
      const sentence = answer === false || answer.message === null ? null : bounded(`${answer.message}`, maxReasonLength)
      const said = sentence === null ? '' : `: ${sentence}`
      return {
        ...about(planned),
        code: 'GUARD_REFUSED',
        message: `the guard of ${planned.request.action} refused ${planned.request.resource}${reason === null ? '' : ` with ${reason}`}${said}`,
        details: { reason, ...(answer === false ? {} : { message: sentence }) },
      }
    }
    return null
  },
  seen: ({ planned }) => ({
    guards: planned.map(({ action, before, request }) => ({
      resource: request.resource,
      guard: action.guard !== null,
      data: before === undefined ? null : JSON.parse(before.data),
    })),
  }),
}

export const apply: Check = {
  name: 'apply',
  run(examination) {
    for (const planned of examination.planned) {
      const rejection = applyOne(examination, planned)
      if (rejection !== null) return rejection
    }
    return null
  },
  seen: ({ planned }) => ({
    after: planned.map(({ after, request }) => ({
      resource: request.resource,
      state: after?.state ?? null,
      data: after === null ? null : JSON.parse(after.text),
    })),
  }),
}

function dataOf({ intent, state }: Examination, { request }: PlannedAction): unknown {
  return state.dataIn(intent.scope, request.resource)
}

function applyOne(examination: Examination, planned: PlannedAction): Rejection | null {
  const { action, before } = planned
  const state = action.to ?? before!.state
  if (action.apply === null && before !== undefined) {
    // A guard has had the data in its hands, and invariants must judge what stays.
    const data = action.guard === null ? planned.data : dataOf(examination, planned)
    planned.after = { state, data, text: before.data }
    return null
  }
  const { readData, whereApply, whereData } = planned.prepared
  const result =
    action.apply === null ? planned.input : runContractCode(whereApply, action.apply, new ActionContext(examination, planned) as AnyContext)
  const parsed = runContractCode(whereData, readData, result)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    return {
      ...about(planned),
      code: 'INVARIANT_VIOLATED',
      message: `after ${planned.request.action}, the data of ${planned.request.resource} would not fit its contract: ${issue.path.map(String).join('.')}: ${issue.message}`,
      details: { invariant: 'data', path: issue.path.map(String).join('.') },
    }
  }
  let text: string
  try {
    const flat = flatObject(parsed.data)
    if (flat !== null) examination.state.keepData(examination.intent.scope, planned.request.resource, flat)
    text = flat?.text ?? canonicalize(parsed.data)
  } catch (cause) {
    if (cause instanceof JsonError) throw new ContractFault(`${whereApply} made data that JSON cannot hold: ${cause.message}`, { cause })
    throw cause
  }
  planned.after = { state, data: parsed.data, text }
  return null
}

export const invariants: Check = {
  name: 'invariants',
  run(examination) {
    for (const planned of examination.planned) {
      for (const { holds, name, where } of planned.prepared.invariants) {
        const answer = runContractCode(where, holds, new InvariantContext(examination, planned))
        if (answer === true) continue
        if (answer !== false) throw new ContractFault(`${where} returned ${typeof answer}; return true or false`)
        return {
          ...about(planned),
          code: 'INVARIANT_VIOLATED',
          message: `${planned.request.action} ${planned.request.resource} would break the invariant ${name}; observe it and ask for what still fits`,
          details: { invariant: name },
        }
      }
    }
    return null
  },
  seen: ({ planned }) => ({
    invariants: planned.flatMap(({ contract, request }) =>
      Object.keys(contract.invariants).map((name) => ({ resource: request.resource, invariant: name })),
    ),
  }),
}

export const size: Check = {
  name: 'size',
  run(examination) {
    const { canonical, planned, rules } = examination
    const { dataBytes, resultBytes } = rules.limits
    let length = canonical.length + 512
    let changes: ResourceChange[] | null = null
    for (const { action, after, before, contract, prepared, request } of planned) {
      const { state, text } = after!
      if (3 * text.length > dataBytes && utf8Length(text) > dataBytes)
        return tooLarge(request.resource, `the data of ${request.resource} would have more than the ${dataBytes} bytes of the limit`)
      length += text.length + request.resource.length + 128
      const change: ResourceChange = {
        resource: request.resource,
        action: prepared.name,
        contractVersion: contract.version,
        fromVersion: before?.version ?? 0,
        version: (before?.version ?? 0) + 1,
        fromState: before?.state ?? null,
        state: action.to ?? state,
        data: text,
      }
      if (changes === null) changes = [change]
      else changes.push(change)
    }
    // Three bytes a character is the most that UTF-8 takes of a string's units: counted exactly only where it matters.
    if (3 * length > resultBytes && length - canonical.length + utf8Length(canonical) + bytesBeyond(planned) > resultBytes) {
      return tooLarge(undefined, `what the intent would write has more than the ${resultBytes} bytes of the limit; split the intent`)
    }
    examination.changes = changes ?? []
    return null
  },
  seen: ({ changes }) => ({ changes: changes.length }),
}

function bytesBeyond(planned: readonly PlannedAction[]): number {
  let bytes = 0
  for (const { after } of planned) bytes += utf8Length(after!.text) - after!.text.length
  return bytes
}

function tooLarge(resource: string | undefined, message: string): Rejection {
  return {
    code: 'RESULT_TOO_LARGE',
    message: `${message}; keep large content elsewhere and refer to it by digest`,
    ...(resource === undefined ? {} : { resource }),
  }
}
