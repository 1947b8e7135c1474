/** What would come of it: state, guards, the new data, invariants, size. */
import { type AnyContext, canonicalize, lengths, none, Refusal, type Timer } from '@signalbox/contract'
import { bounded } from '../../rules/bounded.ts'
import { keptData, wholeData } from '../../rules/kept-data.ts'
import { ContractFault, described, runContractCode } from '../../rules/sandbox.ts'
import type { Check } from '../check.ts'
import { ActionContext, InvariantContext } from '../contexts.ts'
import { builtInOf, type Examination, type PlannedAction } from '../examination.ts'
import type { Rejection } from '../rejection.ts'

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

interface GuardRefusal {
  /** Null where the guard only said false. */
  readonly reason: string | null
  readonly message: string | null
}

/** What a guard gave, as the text that it is. */
function readAnswer(at: string, answer: unknown): true | GuardRefusal {
  if (answer === true) return true
  if (answer === false) return { reason: null, message: null }
  if (!(answer instanceof Refusal)) throw new ContractFault(`${at} returned ${described(answer)}; return true, false or refuse('WHY')`)
  const { message, reason } = answer
  if (typeof reason !== 'string' || !(message === null || typeof message === 'string'))
    throw new ContractFault(`${at} refused with ${described(reason)}; give refuse() a reason and a sentence as text`)
  return { reason: bounded(reason, lengths.refusal), message: message === null ? null : bounded(message, lengths.refusal) }
}

export const guards: Check = {
  name: 'guards',
  run(examination) {
    for (const planned of examination.planned) {
      const { guard } = planned.action
      const own = builtInOf(planned.prepared)?.check?.(examination, planned) ?? null
      if (own !== null) return own
      if (guard === null) continue
      const at = planned.prepared.whereGuard
      const answer = runContractCode(at, guard, new ActionContext(examination, planned) as AnyContext, (given) => readAnswer(at, given))
      if (answer === true) continue
      const { message: sentence, reason } = answer
      const said = sentence === null ? '' : `: ${sentence}`
      return {
        ...about(planned),
        code: 'GUARD_REFUSED',
        message: `the guard of ${planned.request.action} refused ${planned.request.resource}${reason === null ? '' : ` with ${reason}`}${said}`,
        details: { reason, ...(reason === null ? {} : { message: sentence }) },
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

function dataOf(examination: Examination, { before, request }: PlannedAction): unknown {
  return examination.dataOf(request.resource, before!)
}

/** A state that is entered starts its timer; one that stays keeps the one that runs. */
function timerOf({ action, before, contract }: PlannedAction, nowMs: number): Timer | null {
  if (action.to === null) return before?.timer ?? null
  const timed = contract.coordination.after[action.to]
  return timed === undefined ? null : { due: nowMs + timed.ms, action: timed.action }
}

function applyOne(examination: Examination, planned: PlannedAction): Rejection | null {
  const { action, before } = planned
  const builtIn = builtInOf(planned.prepared)
  if (builtIn !== null) {
    const made = builtIn.apply(examination, planned)
    planned.after = made === null ? null : { state: made.state, data: made.data, text: canonicalize(made.data), timer: made.timer ?? null }
    return null
  }
  const state = action.to ?? before!.state
  const timer = timerOf(planned, examination.nowMs)
  if (action.apply === null && before !== undefined) {
    // A guard has had the data in its hands, and invariants must judge what stays.
    const data = action.guard === null ? planned.data : dataOf(examination, planned)
    planned.after = { state, data, text: before.data, timer }
    return null
  }
  const { prepared } = planned
  const { whereApply } = prepared
  const result =
    action.apply === null
      ? planned.input
      : runContractCode(whereApply, action.apply, new ActionContext(examination, planned) as AnyContext, (made) =>
          wholeData(whereApply, made),
        )
  const parsed = runContractCode(prepared.whereData, prepared.readData, result, (read) => keptData(prepared, read))
  if ('issues' in parsed) {
    const { message, path } = parsed.issues[0]!
    return {
      ...about(planned),
      code: 'INVARIANT_VIOLATED',
      message: `after ${planned.request.action}, the data of ${planned.request.resource} would not fit its contract${path === '' ? '' : `, at ${path}`}: ${message}`,
      details: { invariant: 'data', path },
    }
  }
  const { flat, text, value } = parsed
  if (flat !== null) examination.state.keepData(examination.worldOf(planned.request.resource), planned.request.resource, flat)
  planned.after = { state, data: value, text, timer }
  return null
}

export const invariants: Check = {
  name: 'invariants',
  run(examination) {
    for (const planned of examination.planned) {
      for (const { holds, name, where } of planned.prepared.invariants) {
        const answer = runContractCode(where, holds, new InvariantContext(examination, planned))
        if (answer === true) continue
        if (answer !== false) throw new ContractFault(`${where} returned ${described(answer)}; return true or false`)
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
