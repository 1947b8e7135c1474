/** Bugs put in on purpose, each with the check that must find it. A simulator that misses one of them proves little. */
import { type Batch, isLogError, type Log } from '@signalbox/log'
import type { BugToFind } from './bug.ts'
import { inCoordination } from './coordination-bugs.ts'
import { missingAfterBreak, withBatches, withMethods, withSnapshotParts, withStart } from './decorators.ts'
import { earlyAnswer } from './early-answer.ts'
import { aroundGenerations } from './generation-bugs.ts'
import { withBlindBatches, withOneIndexForAll, withoutCheck, withoutMemory, withShortMemory, withTimeGoingBack } from './modules.ts'
import { ForgetfulStore, LateFenceStore, TornStore, UnfencedStore } from './stores.ts'

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

const inTheGateway: readonly BugToFind[] = [
  { name: 'an answer is given before it is durable', foundBy: 'acknowledged', ...earlyAnswer() },
  { name: 'a duplicate is answered from another partition', foundBy: 'acknowledged', install: withOneIndexForAll },
  {
    name: 'a read model misses events when it reads on',
    foundBy: 'read models',
    gatewayLog: missingAfterBreak,
  },
]

const inTheManager: readonly BugToFind[] = [
  {
    name: 'a follow-up is lost on its way to a partition',
    foundBy: 'settles',
    managerLog: (log) =>
      withMethods(log, {
        append: (partition, intent) =>
          partition === 0 ? Promise.resolve({ offset: 0, partition, timestampMs: 0 } as never) : log.append(partition, intent),
      }),
  },
]

const inTelling: readonly BugToFind[] = [
  {
    name: 'what was under way is forgotten in a crash',
    foundBy: 'notifications',
    escalationLog: (log) =>
      withMethods(log, {
        offsets: async (topic, partition) => {
          const found = await log.offsets(topic, partition)
          // As if nobody had ever been told anything: it begins anew where the events end, and not before.
          return topic === 'notifications' ? { ...found, start: Math.max(found.start, found.end - 1) } : found
        },
      }),
  },
  {
    name: 'a request that is lost is taken for delivered',
    foundBy: 'notifications',
    post: (post) => (target, addresses, headers, body, signal) =>
      post(target, addresses, headers, body, signal).catch(() => ({ status: 200, retryAfter: undefined, drained: Promise.resolve() })),
  },
]

export const plantedBugs: readonly BugToFind[] = [
  ...inTheLog,
  ...inTheLoop,
  ...inTheSnapshots,
  ...inTheDecision,
  ...inCoordination,
  ...inTheGateway,
  ...inTheManager,
  ...inTelling,
  ...aroundGenerations,
]
