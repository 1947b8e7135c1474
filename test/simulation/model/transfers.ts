/** `transfer/ID`, written a second time: what its legs come to. */
import { type Asked, type BuiltInAnswer, no } from './asked.ts'
import type { PlainObject } from './intent.ts'

export function transferAnswer({ action, before, intent, nowMs }: Asked): BuiltInAnswer {
  const { input } = action
  if (action.action === 'begin') {
    const { legs, withinMs = 60_000 } = input
    const expiresMs = nowMs + (withinMs as number)
    const reserving = (legs as PlainObject[]).map((leg) => ({ ...leg, status: 'reserving', why: null }))
    const data = { agent: intent.agent, legs: reserving, expiresMs, beganMs: nowMs }
    return { made: { state: 'preparing', data, timer: { due: expiresMs, action: 'lapse' } } }
  }
  const { data, state, timer } = before!
  const legs = data.legs as PlainObject[]
  if (action.action === 'cancel') {
    if (data.agent !== intent.agent && !intent.agent.startsWith('human:')) return no
    const isUndone = legs.every(({ status }) => status === 'refused')
    return { made: { state: isUndone ? 'undone' : 'releasing', data, timer: null } }
  }
  const leg = input.leg as number
  if (legs[leg] === undefined) return no
  const told = legs.map((each, index) => (index === leg ? { ...each, status: action.action, why: input.why ?? null } : each))
  const next = stateOf(
    state,
    told.map(({ status }) => status as string),
  )
  return { made: { state: next, data: { ...data, legs: told }, timer: next === 'preparing' ? timer : null } }
}

function stateOf(before: string, statuses: readonly string[]): string {
  if (statuses.includes('stuck')) return 'stuck'
  const areAll = (...wanted: readonly string[]) => statuses.every((status) => wanted.includes(status))
  if (before === 'preparing') {
    if (areAll('refused')) return 'undone'
    if (statuses.includes('refused')) return 'releasing'
    return areAll('prepared') ? 'confirming' : 'preparing'
  }
  if (areAll('refused', 'released')) return 'undone'
  return areAll('confirmed') ? 'done' : before
}
