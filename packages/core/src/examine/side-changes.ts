/** What a commit changes besides what was asked: the effects that it starts, reservations that it ends, facts that it takes, what it spends. */
import { canonicalize, type EffectData, effectIdOf, type ReservationData, type ResourceChange, type SourceData } from '@signalbox/contract'
import { changeOf, type RuledChange } from '../record/ruled-change.ts'
import { spendingChange } from './allowance.ts'
import { factVersion, lastFact } from './checks/fact.ts'
import type { Drift, Examination } from './examination.ts'

/** Null where there is nothing, as nearly always. */
export function sideChanges(examination: Examination): readonly ResourceChange[] | null {
  const { planned, preempted, spending } = examination
  let made: RuledChange[] | null = null
  const add = (change: RuledChange): void => {
    made ??= []
    made.push(change)
  }
  let hasFact = false
  for (let index = 0; index < planned.length; index++) {
    const { effect, fact } = planned[index]!.action
    if (effect !== null) add(effectChange(examination, index))
    if (fact === null) continue
    hasFact = true
    add(factChange(examination, index))
  }
  if (hasFact) examination.drifts = driftsOf(examination)
  for (const resource of preempted) add(preemption(examination, resource))
  if (spending !== null) add(spendingChange(examination, spending))
  return (made as RuledChange[] | null)?.map((change) => changeOf(examination.state, examination.intent.scope, change)) ?? null
}

function effectChange({ intent, nowMs, planned }: Examination, index: number): RuledChange {
  const { action, prepared, request } = planned[index]!
  const { attempts, idempotent, reportWithinMs } = action.effect!
  const data: EffectData = {
    agent: intent.agent,
    intentId: intent.intentId,
    resource: request.resource,
    action: prepared.name,
    undo: action.undo,
    idempotent,
    reportWithinMs,
    attempt: 1,
    attempts,
    result: null,
  }
  const timer = { due: nowMs + reportWithinMs, action: 'lapse' }
  return { resource: `effect/${effectIdOf(intent.intentId, index)}`, action: 'start', state: 'pending', data, timer }
}

function factChange(examination: Examination, index: number): RuledChange {
  const planned = examination.planned[index]!
  const input = planned.input as Readonly<Record<string, SourceData['fields'][string]>>
  const fields: SourceData['fields'] = {}
  for (const field of planned.action.fact!.fields) if (input[field] !== undefined) fields[field] = input[field]
  const data: SourceData = { agent: examination.intent.agent, version: factVersion(planned), fields }
  return { resource: `source/${planned.request.resource}`, action: 'state', state: 'known', data }
}

function preemption({ intent, nowMs, state }: Examination, resource: string): RuledChange {
  const name = `reservation/${resource}`
  const data = JSON.parse(state.resourceIn(intent.scope, name)!.data) as ReservationData
  return { resource: name, action: 'preempt', state: 'ended', data: { ...data, expiresMs: nowMs } }
}

/**
 * Where a fact contradicts what was committed: a field that agents changed since its source last spoke, and to something
 * else than the source says now. What only the source moved is no drift.
 */
function driftsOf(examination: Examination): readonly Drift[] {
  return examination.planned.flatMap((planned) => {
    const { action, before, request } = planned
    if (action.fact === null || before === undefined) return []
    const committed = JSON.parse(before.data) as Record<string, unknown>
    const input = planned.input as Record<string, unknown>
    const last = lastFact(examination, request.resource)?.fields ?? null
    const fields = action.fact.fields.flatMap((field) => {
      const [was, says] = [textOf(committed[field]), textOf(input[field])]
      if (input[field] === undefined || was === says || (last !== null && was === textOf(last[field]))) return []
      return [{ field, committed: was, stated: says }]
    })
    return fields.length === 0 ? [] : [{ resource: request.resource, version: factVersion(planned), fields }]
  })
}

function textOf(value: unknown): string {
  return value === undefined ? 'undefined' : canonicalize(value)
}
