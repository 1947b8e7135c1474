/**
 * Moves a log to other topics, of which there may be more: reads it whole while it runs, closes it, and writes what it held then as the
 * first events of the new one. Nothing may be decided there before the last of them is written.
 */
import { type Codec, sha256 } from '@signalbox/codec'
import {
  bareIntent,
  derivedId,
  type Intent,
  isSystemScope,
  type Limits,
  parseUuidV7,
  partitionOf,
  type Reaction,
  systemScope,
  uuidTimeMs,
} from '@signalbox/contract'
import { Carrier, feeds, type PartitionState, type QuarantineGap } from '@signalbox/core'
import { askedAgain, processManagerAgent } from '@signalbox/follow-ups'
import type { Clock, Log } from '@signalbox/log'
import { closeLog, refuseOtherNext } from './close.ts'
import { carryLetters, OpenLetters } from './dead-letters.ts'
import { GenerationError } from './errors.ts'
import { NewLog, type NewTopics } from './new-log.ts'
import { OldLog } from './old-log.ts'
import { carryUnserved } from './unserved.ts'

/** Source offsets of a new log begin at a multiple of this, with room above all before: what the old one still rejects is below. */
const defaultStep = 1_000_000
const decisionWaitMs = 30_000
const appendsAtOnce = 1_000

export interface MoveOptions {
  readonly from: { readonly name: string; readonly log: Log; readonly codec: Codec }
  readonly to: { readonly name: string; readonly log: Log; readonly codec: Codec; readonly topics: NewTopics }
  readonly limits: Limits
  /** Of the config that the process manager runs with: what follows and has no decision goes along. */
  readonly reactions: readonly Reaction[]
  /** Of the containment of the same config. */
  readonly maxDepth?: number | null
  readonly clock: Clock
  /** Who closes the log, `human:NAME`, and why. */
  readonly by: string
  readonly reason: string
  readonly signal: AbortSignal
  /** How long the owner of a partition may take to close it. */
  readonly waitMs?: number
  readonly offsetStep?: number
  readonly progress?: (step: string) => void
  readonly read?: (read: { readonly partition: number; readonly events: number }) => void
}

export interface Moved {
  readonly from: string
  readonly fromPartitions: number
  readonly to: string
  readonly toPartitions: number
  /** Source offsets of the new log begin here. */
  readonly beginsAt: number
  /** What was written of events. */
  readonly events: number
  readonly resources: number
  readonly pending: number
  readonly ids: number
  readonly deadLetters: number
  readonly followUps: number
  /** Intents of partitions that somebody had added to the topic, which nobody decided. */
  readonly sentAgain: number
  /** From the first intent to close until the new log was whole. */
  readonly closedMs: number
}

/** Errors: GenerationError, LogError. After either the new topics are of no use; what was closed stays closed. */
export async function moveLog(options: MoveOptions): Promise<Moved> {
  const {
    by,
    clock,
    from,
    limits,
    maxDepth = null,
    progress = () => {},
    reactions,
    read,
    reason,
    signal,
    to,
    waitMs = decisionWaitMs,
  } = options
  const source = { log: from.log, codec: from.codec, limits, clock }
  const target = await NewLog.open(to.log, to.codec)
  let old: OldLog | undefined
  try {
    progress('reading the log')
    const reading = { log: from.log, codec: from.codec, limits, reactions, maxDepth, clock, signal }
    old = await OldLog.open(read === undefined ? reading : { ...reading, progress: read })
    refuseHalfCarried(old.states, from.name)
    refuseOtherNext(old, to.name)
    refuseSamePending(old.states)
    // Before it is closed: what stands in the way must not stop it, and what takes long must not make it longer.
    const letters = new OpenLetters(source, () => old!.verdicts)
    await letters.read()
    progress('making room for old offsets')
    let beginsAt = await firstOffset(options, old.states, 0)
    for (let partition = 0; partition < to.log.partitionCount; partition++) await to.topics.startIntentsAt(partition, beginsAt)
    progress('closing the log')
    const closedAtMs = clock.nowMs()
    await closeLog({ log: from.log, codec: from.codec, old, clock, by, reason, waitMs }, to.name)
    await old.toEnd()
    refuseOpen(old.states)
    refuseSamePending(old.states)
    const open = await letters.read()
    const enough = await firstOffset(options, old.states, beginsAt)
    if (enough > beginsAt) {
      beginsAt = enough
      for (let partition = 0; partition < to.log.partitionCount; partition++) await to.topics.startIntentsAt(partition, beginsAt)
    }
    const begins = [...(old.states[0]!.origin?.begins ?? [0]), beginsAt]
    const timeMs = Math.max(...old.states.map(({ time }) => time))
    const partitions = { fromPartitions: from.log.partitionCount, toPartitions: to.log.partitionCount }
    const carrier = new Carrier({ from: from.name, ...partitions, begins, timeMs })
    progress('writing what it holds')
    for (const state of old.states) for (const event of carrier.take(state)) await target.write(event)
    await target.flush()
    const deadLetters = await carryLetters(source, open, to.topics, to.log.partitionCount)
    const timeOf = timesOf(options, old.states)
    const followUps = [
      ...old.followUps().flatMap((intent) => (isSystemScope(intent.scope) ? [] : [inTime(intent, options, timeOf)])),
      ...gapIntents(carrier, options, timeOf),
    ]
    await appendAll(to, followUps)
    const sentAgain = await carryUnserved(from.log, to)
    // Last: it is what lets sequencers begin.
    for (const event of carrier.finish()) await target.write(event)
    await target.flush()
    const { ids, pending, resources } = sizes(old.states)
    return {
      from: from.name,
      fromPartitions: from.log.partitionCount,
      to: to.name,
      toPartitions: to.log.partitionCount,
      beginsAt,
      events: target.events,
      resources,
      pending,
      ids,
      deadLetters,
      followUps: followUps.length,
      sentAgain,
      closedMs: clock.nowMs() - closedAtMs,
    }
  } finally {
    await old?.close()
    await target.close()
  }
}

function refuseHalfCarried(states: readonly PartitionState[], name: string): void {
  const half = states.find(({ origin }) => origin?.isWhole === false)
  if (half === undefined) return
  throw new GenerationError(
    `${name} is itself half carried over from ${half.origin!.generation}: delete its topics, and move ${half.origin!.generation} again`,
  )
}

function refuseOpen(states: readonly PartitionState[]): void {
  const open = states.find(({ coordination }) => coordination.closed === null)
  if (open === undefined) return
  throw new GenerationError(
    `somebody opened partition ${open.partition} again while the log was being moved; delete the new topics, and ask them`,
  )
}

/** An id may be used in scopes of several partitions, which may come together on one: there, it can be pending once. */
function refuseSamePending(states: readonly PartitionState[]): void {
  const scopes = new Map<string, string>()
  for (const { coordination } of states) {
    for (const { intentId, scope } of coordination.pending.all()) {
      const other = scopes.get(intentId)
      scopes.set(intentId, scope)
      if (other === undefined) continue
      throw new GenerationError(
        `intent ${intentId} is pending in the scopes ${other} and ${scope}, and another log may have both on one partition; withdraw one of them (where the log is closed: signalbox generation reopen --reason WHY first), and move the log again`,
      )
    }
  }
}

/** `known` where that still leaves room above all that there is. */
async function firstOffset(
  { from: { log }, offsetStep = defaultStep }: MoveOptions,
  states: readonly PartitionState[],
  known: number,
): Promise<number> {
  let highest = 0
  for (const { nextOffset, partition } of states) highest = Math.max(highest, nextOffset, (await log.offsets('intents', partition)).end)
  if (highest + offsetStep / 20 < known) return known
  return (Math.floor((highest + offsetStep / 10) / offsetStep) + 1) * offsetStep
}

/** The time of each new partition, as its log will have it for what is written to it now. */
function timesOf({ clock, from, to }: MoveOptions, states: readonly PartitionState[]): (partition: number) => number {
  const [fromCount, toCount] = [from.log.partitionCount, to.log.partitionCount]
  return (partition) => {
    const fed = states.filter((state) => feeds(state.partition, partition, fromCount, toCount))
    return Math.max(clock.nowMs(), ...fed.map(({ time }) => time))
  }
}

/** Nothing in the new log would ask again for what it does not take because of its id. That it was never decided is known here. */
function inTime(intent: Intent, { from, limits, to }: MoveOptions, timeOf: (partition: number) => number): Intent {
  const nowMs = timeOf(partitionOf(intent.scope, to.log.partitionCount))
  const idTimeMs = uuidTimeMs(idWords(intent.intentId))
  const isInTime = idTimeMs > nowMs - limits.identityHorizonMs / 2 && idTimeMs <= nowMs + limits.clockSkewMs / 2
  return isInTime ? intent : askedAgain(intent, from.name, nowMs)
}

function idWords(intentId: string): Uint32Array {
  const words = new Uint32Array(4)
  parseUuidV7(intentId, words)
  return words
}

/** What holds for agents everywhere and had not come to every partition yet. */
function gapIntents(carrier: Carrier, { from, to }: MoveOptions, timeOf: (partition: number) => number): Intent[] {
  return carrier.quarantineGaps().map((gap) => {
    const { action, agent, partition } = gap
    return bareIntent({
      intentId: derivedId(timeOf(partition), ['generation', from.name, to.name, action, agent, `${partition}`], sha256),
      scope: systemScope(partition, to.log.partitionCount),
      agent: processManagerAgent,
      actions: [{ resource: `agent/${agent}`, action, input: inputOf(gap), expectedVersion: null }],
    })
  })
}

function inputOf({ action, reason, taintedSinceMs }: QuarantineGap): string {
  return JSON.stringify(action === 'quarantine' ? { reason, taintedSinceMs } : { reason })
}

/** In their order: a log appends to a partition in the order of the calls, and where one fails, nothing of this log is ever used. */
async function appendAll({ codec, log }: MoveOptions['to'], intents: readonly Intent[]): Promise<void> {
  for (let from = 0; from < intents.length; from += appendsAtOnce) {
    await Promise.all(
      intents.slice(from, from + appendsAtOnce).map(async (intent) => {
        const record = { key: intent.scope, value: codec.encodeIntent(intent), headers: {} }
        await log.append(partitionOf(intent.scope, log.partitionCount), record)
      }),
    )
  }
}

function resourcesIn(state: PartitionState): number {
  let count = 0
  for (const [key] of state.resources()) if (!isSystemScope(key)) count++
  return count
}

function sizes(states: readonly PartitionState[]): { readonly ids: number; readonly pending: number; readonly resources: number } {
  const sum = (of: (state: PartitionState) => number) => states.reduce((total, state) => total + of(state), 0)
  return {
    ids: sum(({ size }) => size.ids),
    pending: sum(({ coordination }) => coordination.pending.size),
    // What concerns a log's own partitions stays behind.
    resources: sum(resourcesIn),
  }
}
