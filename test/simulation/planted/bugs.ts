/** Bugs put in on purpose, each with the check that must find it. A simulator that misses one of them proves little. */
import { type Batch, isLogError, type Log } from '@signalbox/log'
import type { CheckName, PlantedBug } from '../environment.ts'
import { nothing, passes, withBuiltIn, withPart } from './coordination.ts'
import { missingAfterBreak, withBatches, withSnapshotParts, withStart } from './decorators.ts'
import { earlyAnswer } from './early-answer.ts'
import { withBlindBatches, withOneIndexForAll, withoutCheck, withoutMemory, withShortMemory, withTimeGoingBack } from './modules.ts'
import { ForgetfulStore, LateFenceStore, TornStore, UnfencedStore } from './stores.ts'

export type BugToFind = PlantedBug & { readonly foundBy: CheckName }

const nowhere = { firstOffset: -1, lastOffset: -1 }

/** A batch that lost one event from its middle; the last carries the link. */
function withoutSecond(batch: Batch): Batch {
  return batch.events.length < 3 ? batch : { ...batch, events: batch.events.filter((_, index) => index !== 1) }
}

function withWrongLink(batch: Batch): Batch {
  const last = batch.events.at(-1)!
  return { ...batch, events: [...batch.events.slice(0, -1), { ...last, headers: { ...last.headers, sb_chain: 'A'.repeat(43) } }] }
}

const inTheLog: readonly BugToFind[] = [
  { name: 'earlier owners are not fenced', foundBy: 'epochs', store: (options) => new UnfencedStore(options) },
  { name: 'a fenced batch becomes visible', foundBy: 'epochs', store: (options) => new LateFenceStore(options) },
  { name: 'a part of a batch becomes visible', foundBy: 'chain', store: (options) => new TornStore(options) },
  { name: 'an acknowledged intent is not kept', foundBy: 'acknowledged', store: (options) => new ForgetfulStore(options) },
]

const inTheLoop: readonly BugToFind[] = [
  {
    name: 'the state is published before its batch is durable',
    foundBy: 'chain',
    sequencerLog: (log) =>
      withBatches(log, (append, reopen) => {
        let written: Promise<unknown> = Promise.resolve()
        return (batch) => {
          written = written.then(() => append(batch)).catch(() => reopen().catch(() => {}))
          return Promise.resolve(nowhere)
        }
      }),
  },
  {
    name: 'a batch of unknown outcome is taken for written',
    foundBy: 'exactly one',
    sequencerLog: (log) =>
      withBatches(log, (append, reopen) => async (batch) => {
        try {
          return await append(batch)
        } catch (error) {
          if (!isLogError(error, 'OUTCOME_UNKNOWN')) throw error
          await reopen()
          return nowhere
        }
      }),
  },
  {
    name: 'a batch of unknown outcome is written again',
    foundBy: 'exactly one',
    sequencerLog: (log) =>
      withBatches(log, (append, reopen) => async (batch) => {
        try {
          return await append(batch)
        } catch (error) {
          if (!isLogError(error, 'OUTCOME_UNKNOWN')) throw error
          await reopen()
          return await append(batch)
        }
      }),
  },
  { name: 'an owner resumes one intent too late', foundBy: 'exactly one', sequencerLog: (log) => resumingAt(log, 1) },
  { name: 'an owner resumes one intent too early', foundBy: 'exactly one', sequencerLog: (log) => resumingAt(log, -1) },
  {
    name: 'a link of the chain is wrong',
    foundBy: 'chain',
    sequencerLog: (log) => withBatches(log, (append) => (batch) => append(withWrongLink(batch))),
  },
  {
    name: 'an event is lost from its batch',
    foundBy: 'exactly one',
    sequencerLog: (log) => withBatches(log, (append) => (batch) => append(withoutSecond(batch))),
  },
  {
    name: 'dead letters are dropped',
    foundBy: 'dead letters',
    sequencerLog: (log) => withBatches(log, (append) => (batch) => append({ ...batch, deadLetters: [] })),
  },
  {
    name: 'a record from ahead of the clock does not wait',
    foundBy: 'stall',
    sequencerClock: (clock) => ({ nowMs: () => clock.nowMs() + 3_600_000, sleep: (ms, signal) => clock.sleep(ms, signal) }),
  },
]

const inTheSnapshots: readonly BugToFind[] = [
  { name: 'a snapshot leaves the remembered ids out', foundBy: 'model', sequencerLog: (log) => withSnapshotParts(log, withoutKind('ids')) },
  { name: 'a snapshot leaves resources out', foundBy: 'model', sequencerLog: (log) => withSnapshotParts(log, withoutKind('resource')) },
]

function withoutKind(kind: string): (parts: readonly unknown[]) => readonly unknown[] {
  return (parts) => parts.filter((part) => (part as { readonly kind: string }).kind !== kind)
}

function resumingAt(log: Log, change: 1 | -1): Log {
  return withStart(log, async ({ fromOffset, partition, topic }) => {
    if (topic !== 'intents' || fromOffset === 0) return fromOffset
    const { end } = await log.offsets('intents', partition)
    return Math.min(end, fromOffset + change)
  })
}

const inTheDecision: readonly BugToFind[] = [
  { name: 'duplicates are not detected', foundBy: 'model', install: withoutMemory },
  { name: 'ids are forgotten too early', foundBy: 'model', install: withShortMemory },
  { name: 'time goes backwards', foundBy: 'model', install: withTimeGoingBack },
  { name: 'a decision depends on where its batch begins', foundBy: 'model', install: withBlindBatches },
  { name: 'versions are not checked', foundBy: 'model', install: () => withoutCheck('versions') },
  { name: 'the read set is not checked', foundBy: 'model', install: () => withoutCheck('reads') },
  { name: 'invariants are not checked', foundBy: 'model', install: () => withoutCheck('invariants') },
  { name: 'guards are not asked', foundBy: 'model', install: () => withoutCheck('guards') },
  { name: 'deadlines are not checked', foundBy: 'model', install: () => withoutCheck('deadline') },
  { name: 'the partition is not checked', foundBy: 'model', install: () => withoutCheck('partition') },
]

const inCoordination: readonly BugToFind[] = [
  { name: 'reservations are not checked', foundBy: 'model', install: () => withoutCheck('reservations') },
  { name: 'quarantine is not looked at', foundBy: 'model', install: () => withoutCheck('agent') },
  { name: 'no contract asks for a human', foundBy: 'model', install: () => withoutCheck('escalation') },
  { name: 'timers do not fire', foundBy: 'laws', install: () => withPart('timers', 'due', () => () => []) },
  { name: 'a waiter is not woken', foundBy: 'laws', install: () => withPart('pending', 'wake', nothing) },
  { name: 'quarantine is not kept', foundBy: 'model', install: () => withPart('coordination', 'setQuarantine', nothing) },
  { name: 'a lease is given to a second', foundBy: 'laws', install: () => withBuiltIn('reservation', 'take', 'check', passes) },
  { name: 'anyone releases a lease', foundBy: 'model', install: () => withBuiltIn('reservation', 'release', 'check', passes) },
  { name: 'a lease is renewed after its end', foundBy: 'model', install: () => withBuiltIn('reservation', 'renew', 'check', passes) },
  { name: 'a fencing token does not rise', foundBy: 'laws', install: () => withBuiltIn('reservation', 'take', 'apply', withoutRise) },
  { name: 'anyone withdraws an intent', foundBy: 'model', install: () => withBuiltIn('intent', 'withdraw', 'check', passes) },
  {
    name: 'an effect that goes unreported is forgotten',
    foundBy: 'laws',
    install: () => withBuiltIn('effect', 'lapse', 'follow', nothing),
  },
]

function withoutRise(apply: (this: object, ...parameters: unknown[]) => unknown) {
  return function (this: object, ...parameters: unknown[]) {
    const made = apply.apply(this, parameters) as { readonly data: object }
    return { ...made, data: { ...made.data, token: 1 } }
  }
}

const inTheGateway: readonly BugToFind[] = [
  { name: 'an answer is given before it is durable', foundBy: 'acknowledged', ...earlyAnswer() },
  { name: 'a duplicate is answered from another partition', foundBy: 'acknowledged', install: withOneIndexForAll },
  {
    name: 'a read model misses events when it reads on',
    foundBy: 'read models',
    gatewayLog: missingAfterBreak,
  },
]

export const plantedBugs: readonly BugToFind[] = [
  ...inTheLog,
  ...inTheLoop,
  ...inTheSnapshots,
  ...inTheDecision,
  ...inCoordination,
  ...inTheGateway,
]
