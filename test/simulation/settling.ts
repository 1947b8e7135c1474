/**
 * The end of a run, once nothing fails any more: everything is decided, then time goes on until it has ended all that it
 * ends, in great steps, so that whatever is left then would be left for ever.
 */
import { allProcesses, type Cast } from './chaos.ts'
import type { Environment } from './environment.ts'

/** Measured: no run needs more than a quarter of it. */
const healBoundMs = 30_000
/** No level of an escalation, and no wait, lasts longer. */
const stepMs = 65 * 60_000
const mostSteps = 16
/** Answers to what is durable already may be on their way, and so may what was sent twice. */
const quietMs = 250

export class Settling {
  readonly #environment: Environment
  readonly #cast: Cast
  readonly #unfinished: () => string | null

  constructor(environment: Environment, cast: Cast, unfinished: () => string | null) {
    this.#environment = environment
    this.#cast = cast
    this.#unfinished = unfinished
  }

  async settle(): Promise<void> {
    const { report, trace } = this.#environment
    for (let step = 0; await this.#isQuiet(); step++) {
      const left = this.#left()
      if (left === null) return
      if (step === mostSteps) return report('settles', `time alone does not end ${left}`)
      trace.note('time goes on')
      for (const process of allProcesses(this.#cast)) process.offsetMs += stepMs
      for (const { clock } of this.#cast.agents) clock.offsetMs += stepMs
    }
    report('settles', [this.#unfinished(), this.#unsettled()].filter((each) => each !== null).join('; ') || 'it is never quiet')
  }

  /** Waits until everything is decided and nothing more comes; false when that took longer than its bound. */
  async #isQuiet(): Promise<boolean> {
    const { time } = this.#environment
    const isSettled = () => this.#unfinished() === null && this.#unsettled() === null
    const deadlineMs = time.nowMs + healBoundMs
    while (await time.runUntil(isSettled, deadlineMs - time.nowMs)) {
      const ends = this.#intentsEnds()
      await time.runUntil(() => false, quietMs)
      if (isSettled() && this.#intentsEnds() === ends) return true
    }
    return false
  }

  /** What time is still to end, in words; null: nothing. */
  #left(): string | null {
    const { store } = this.#environment
    for (let partition = 0; partition < store.partitionCount; partition++) {
      const { coordination } = this.#stateOf(partition)!
      if (coordination.pending.size > 0) return `${coordination.pending.size} pending intents on partition ${partition}`
      if (coordination.timers.size > 0) return `${coordination.timers.size} timers on partition ${partition}`
    }
    return null
  }

  #stateOf(partition: number) {
    return this.#cast.sequencers.map(({ life }) => life?.service?.sequencer.state(partition) ?? null).find((state) => state !== null)
  }

  #intentsEnds(): string {
    const { store } = this.#environment
    return Array.from({ length: store.partitionCount }, (_, partition) => store.topic('intents', partition).offsets.end).join()
  }

  /** What is still to come, in words; null when all is as it should be. */
  #unsettled(): string | null {
    const { store } = this.#environment
    for (const process of allProcesses(this.#cast)) {
      if (process.life?.service == null) return `${process.name} does not run`
      if (process.life.writesUnderWay > 0) return `${process.name} waits for an answer of the log`
    }
    for (const { life, name } of this.#cast.managers) {
      const { manager } = life!.service!
      const missing = manager.notReady()
      if (missing !== null) return `${name}: ${missing}`
      if (manager.undecided > 0) return `${name} waits for decisions on ${manager.undecided} follow-ups`
    }
    for (let partition = 0; partition < store.partitionCount; partition++) {
      const problem = this.#unsettledOn(partition)
      if (problem !== null) return problem
    }
    return null
  }

  #unsettledOn(partition: number): string | null {
    const { store } = this.#environment
    const { gateways, managers, sequencers } = this.#cast
    const phases = sequencers.map(({ life }) => life!.service!.sequencer.phases().get(partition) ?? 'given up')
    if (phases.filter((phase) => phase === 'active').length !== 1 || phases.some((phase) => phase !== 'active' && phase !== 'given up'))
      return `partition ${partition} is ${phases.join(', ')}`
    const owner = this.#stateOf(partition)
    const { end } = store.topic('intents', partition).offsets
    if (owner === undefined) return `partition ${partition} has no state`
    if (owner.nextOffset !== end) return `partition ${partition} is decided up to ${owner.nextOffset} of ${end}`
    const { closed, pending, timers } = owner.coordination
    if (closed !== null) return `partition ${partition} is closed`
    if (pending.hasReady || timers.nextMs <= sequencers[0]!.latestMs) return `on partition ${partition} something is due`
    const events = store.topic('events', partition)
    const readers = [
      ...gateways.map(({ life, name }) => ({ name, position: life!.service!.readModel.position(partition) })),
      ...managers.map(({ life, name }) => ({ name, position: life!.eventsRead.get(partition) ?? 0 })),
    ]
    for (const { name, position } of readers) {
      if (events.read(Math.min(position, events.offsets.end), { maxRecords: 1, maxBytes: 1 }).length > 0)
        return `${name} has not read all of partition ${partition}`
    }
    return null
  }
}
