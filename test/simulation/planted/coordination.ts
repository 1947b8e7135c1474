/** Bugs in waiting, time, leases, effects and quarantine: changes to production modules, each with how to undo it. */
import { PartitionState } from '@signalbox/core'
import { builtIns } from '../../../packages/core/src/built-in/index.ts'
import { replace } from './modules.ts'

type Undo = () => void
type Part = 'timers' | 'pending' | 'tallies' | 'coordination'
type Method = (this: object, ...parameters: unknown[]) => unknown

/** The prototype of a part of the state, which the core does not export. */
function prototypeOf(part: Part): object {
  const { coordination } = new PartitionState(0, { identityHorizonMs: 1, missed: 1, windowMs: 1 })
  return Object.getPrototypeOf(part === 'coordination' ? coordination : coordination[part]) as object
}

export function withPart(part: Part, name: string, change: (before: Method) => Method): Undo {
  return replace(prototypeOf(part), name, (before) => ({ ...before, value: change(before.value as Method) }))
}

/** A property that always says the same. */
export function withValue(part: Part, name: string, value: unknown): Undo {
  return replace(prototypeOf(part), name, (before) => ({ ...before, get: () => value }))
}

/** A part of an action of Signalbox's own, changed. */
export function withBuiltIn(type: string, action: string, part: 'apply' | 'check' | 'follow', change: (before: Method) => Method): Undo {
  const found = builtIns.find(({ contract }) => contract.type === type)!.actions[action]!
  return replace(found, part, (before) => ({ ...before, value: change(before.value as Method) }))
}

export const nothing = () => () => undefined
export const passes = () => () => null

/** What is on trial comes into force. */
export function withTrialsInForce(): Undo {
  return replace(PartitionState.prototype, 'setResource', (before) => ({
    ...before,
    value(this: PartitionState, scope: string, ...rest: unknown[]) {
      return before.value.call(this, scope.replace('\u0001shadow\u0001', ''), ...rest)
    },
  }))
}

/** Nobody knows any more whose writing a resource stands on. */
export function withoutInfluences(): Undo {
  return replace(PartitionState.prototype, 'setResource', (before) => ({
    ...before,
    value(this: PartitionState, scope: string, resource: string, state: object) {
      return before.value.call(this, scope, resource, { ...state, influences: [] })
    },
  }))
}
