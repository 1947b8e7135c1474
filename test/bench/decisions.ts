/**
 * Decisions a second on one core: decide, evolve and publish, with the validation of inputs and data by zod, identity, and
 * the SHA-256 of every canonical intent. The intents have come through the codec before, outside of the time measured.
 */

import { say } from '@signalbox/cli'
import { createCodec } from '@signalbox/codec'
import { defaultLimits, type Event } from '@signalbox/contract'
import { decide, evolve, type IntentRecord, PartitionState } from '@signalbox/core'
import { CounterLoad, rules } from '../support/workload.ts'

const counters = 64
const batchRecords = 128
const warmUpShare = 0.5

export interface DecisionFigures {
  readonly decisions_per_s: number
  /** The same by the processor time of the thread, which is what a core would do that is shared with nobody. */
  readonly decisions_per_cpu_s: number
  /** The same loop around a decide that does nothing. */
  readonly ceiling_per_s: number
  readonly decisions: number
  readonly includes: readonly string[]
  readonly counters: number
  readonly batch_records: number
}

type Decide = (record: IntentRecord) => readonly Event[]

/** Time that a loop took, without what is done between its batches. */
class Stopwatch {
  elapsedNs = 0
  cpuUs = 0
  count = 0

  measure(run: () => number): void {
    const cpuBefore = process.threadCpuUsage()
    const before = process.hrtime.bigint()
    this.count += run()
    this.elapsedNs += Number(process.hrtime.bigint() - before)
    const { system, user } = process.threadCpuUsage(cpuBefore)
    this.cpuUs += user + system
  }

  get perSecond(): number {
    return Math.round((this.count * 1e9) / this.elapsedNs)
  }

  get perCpuSecond(): number {
    return Math.round((this.count * 1e6) / this.cpuUs)
  }
}

export function measureDecisions(seconds: number): DecisionFigures {
  const codec = createCodec({ limits: defaultLimits })
  const load = new CounterLoad(counters)
  const state = new PartitionState(0, defaultLimits)
  const nextBatch = (): IntentRecord[] =>
    Array.from({ length: batchRecords }, () => {
      const { intent, ...position } = load.next()
      return { ...position, intent: codec.decodeIntent(codec.encodeIntent(intent)), problem: null }
    })
  const decideAll = (records: readonly IntentRecord[]) => decideBatch(state, records, (record) => decide(state, record, rules))
  const nothing: readonly Event[] = []
  const decideNothing = (records: readonly IntentRecord[]) => loop(records, () => nothing, takeNothing)
  say(`decisions: ${seconds} s, after a warm-up`)
  const warmUp = new Stopwatch()
  while (warmUp.elapsedNs < warmUpShare * seconds * 1e9) warmUp.measure(() => decideAll(nextBatch()))
  const real = new Stopwatch()
  const empty = new Stopwatch()
  while (real.elapsedNs < seconds * 1e9) {
    const records = nextBatch()
    real.measure(() => decideAll(records))
    empty.measure(() => decideNothing(records))
  }
  return {
    decisions_per_s: real.perSecond,
    decisions_per_cpu_s: real.perCpuSecond,
    ceiling_per_s: empty.perSecond,
    decisions: real.count,
    includes: ['validation', 'identity', 'hash', 'evolve', 'publish'],
    counters,
    batch_records: batchRecords,
  }
}

function decideBatch(state: PartitionState, records: readonly IntentRecord[], decideOne: Decide): number {
  state.begin()
  const count = loop(records, decideOne, (event) => {
    if (event.type !== 'IntentCommitted') throw new Error(`the benchmark expects commits, and got ${JSON.stringify(event.payload)}`)
    evolve(state, event)
  })
  state.publish()
  return count
}

function takeNothing(): void {}

function loop(records: readonly IntentRecord[], decideOne: Decide, take: (event: Event) => void): number {
  const events: Event[] = []
  for (let index = 0; index < records.length; index++) {
    for (const event of decideOne(records[index]!)) {
      take(event)
      events.push(event)
    }
  }
  return records.length
}
