/** Changes to production modules that no decorator reaches. Each gives how to undo it. */
import { PartitionState } from '@signalbox/core'
import { ReadModel } from '@signalbox/partition-state'
import type { Check } from '../../../packages/core/src/examine/check.ts'
import { decisionChecks, doorChecks } from '../../../packages/core/src/examine/checks/index.ts'

type Undo = () => void
type Method = (this: PartitionState, ...parameters: unknown[]) => unknown

/** Takes a check out of the decision. */
export function withoutCheck(name: string): Undo {
  const checks = [doorChecks, decisionChecks].find((list) => list.some((check) => check.name === name)) as Check[] | undefined
  if (checks === undefined) throw new Error(`there is no check ${name} to take out`)
  const index = checks.findIndex((check) => check.name === name)
  const [taken] = checks.splice(index, 1)
  return () => checks.splice(index, 0, taken!)
}

export function replace(prototype: object, name: string, change: (before: PropertyDescriptor) => PropertyDescriptor): Undo {
  const before = Object.getOwnPropertyDescriptor(prototype, name)
  if (before === undefined) throw new Error(`there is no ${name} to replace`)
  Object.defineProperty(prototype, name, change(before))
  return () => Object.defineProperty(prototype, name, before)
}

function replaceMethod(name: keyof PartitionState, method: (before: Method) => Method): Undo {
  return replace(PartitionState.prototype, name, (before) => ({ ...before, value: method(before.value as Method) }))
}

/** No id is ever known. */
export function withoutMemory(): Undo {
  return replaceMethod('decision', () => () => undefined)
}

/** Ids are known for half an hour only. */
export function withShortMemory(): Undo {
  return replaceMethod(
    'decision',
    (decision) =>
      function (intentId, ...rest) {
        const idTimeMs = Number.parseInt(String(intentId).replace('-', '').slice(0, 12), 16)
        return idTimeMs < this.time - 1_800_000 ? undefined : decision.call(this, intentId, ...rest)
      },
  )
}

/** What an owner decides is decided at the record's own time, be it earlier than the last. Deciding a batch is one microtask. */
export function withTimeGoingBack(): Undo {
  const deciding = new Set<PartitionState>()
  const undoBegin = replaceMethod(
    'begin',
    (begin) =>
      function () {
        deciding.add(this)
        queueMicrotask(() => deciding.delete(this))
        begin.call(this)
      },
  )
  const undoTime = replace(PartitionState.prototype, 'time', (before) => ({
    ...before,
    get(this: PartitionState) {
      return deciding.has(this) ? 0 : before.get!.call(this)
    },
  }))
  return () => {
    undoTime()
    undoBegin()
  }
}

/** A record does not see what the records before it in the same batch changed. */
export function withBlindBatches(): Undo {
  const later = new Map<PartitionState, (() => void)[]>()
  const undoBegin = replaceMethod(
    'begin',
    (begin) =>
      function () {
        later.set(this, [])
        queueMicrotask(() => {
          const changes = later.get(this) ?? []
          later.delete(this)
          for (const change of changes) change()
        })
        begin.call(this)
      },
  )
  const undoSet = replaceMethod(
    'setResource',
    (setResource) =>
      function (...parameters) {
        const changes = later.get(this)
        if (changes === undefined) setResource.apply(this, parameters)
        else changes.push(() => setResource.apply(this, parameters))
      },
  )
  return () => {
    undoSet()
    undoBegin()
  }
}

/** An id is looked up in all partitions, whichever one is meant. */
export function withOneIndexForAll(): Undo {
  return replace(ReadModel.prototype, 'decisionOf', (before) => ({
    ...before,
    value(this: ReadModel, intentId: string) {
      return before.value.call(this, intentId)
    },
  }))
}
