/** Events a second when a state is rebuilt: decoding, verifying the chain, evolve. Reading the log is not in it. */

import { say } from '@signalbox/cli'
import { Chain, createCodec } from '@signalbox/codec'
import { defaultLimits, type Event } from '@signalbox/contract'
import { decide, evolve, PartitionState } from '@signalbox/core'
import { CounterLoad, rules } from '../support/workload.ts'

const counters = 1_000
const batchRecords = 128
const segmentBatches = 80

interface WrittenEvent {
  readonly value: Uint8Array
  /** The link of the chain, on the last event of each batch. */
  readonly link: string | undefined
}

export interface RebuildFigures {
  readonly rebuild_events: number
  readonly rebuild_events_per_s: number
}

/** Writes a segment of the log, and rebuilds it, in turn: a million events never lie in memory at once. */
export function measureRebuild(events: number): RebuildFigures {
  const codec = createCodec({ limits: defaultLimits })
  const writer = new SegmentWriter()
  const state = new PartitionState(0, defaultLimits)
  const chain = new Chain()
  let count = 0
  let elapsedNs = 0
  let said = 0
  while (count < events) {
    const segment = writer.next()
    const before = process.hrtime.bigint()
    for (const { link, value } of segment) {
      const event = codec.decodeEvent(value)
      chain.verify(value, link, `event ${event.offset}`)
      evolve(state, event)
    }
    elapsedNs += Number(process.hrtime.bigint() - before)
    count += segment.length
    if (count >= said) {
      say(`rebuild: ${Math.min(count, events)} of ${events} events`)
      said += events / 5
    }
  }
  if (state.nextOffset !== count) throw new Error(`the rebuilt state ends at ${state.nextOffset}, and ${count} events were written`)
  return { rebuild_events: count, rebuild_events_per_s: Math.round((count * 1e9) / elapsedNs) }
}

class SegmentWriter {
  readonly #codec = createCodec({ limits: defaultLimits })
  readonly #load = new CounterLoad(counters)
  readonly #state = new PartitionState(0, defaultLimits)
  readonly #chain = new Chain()

  next(): readonly WrittenEvent[] {
    const written: WrittenEvent[] = []
    for (let batch = 0; batch < segmentBatches; batch++) {
      for (let record = 0; record < batchRecords; record++) {
        for (const event of this.#decideNext()) {
          evolve(this.#state, event)
          const value = this.#codec.encodeEvent(event)
          this.#chain.add(value)
          written.push({ value, link: record === batchRecords - 1 ? this.#chain.close() : undefined })
        }
      }
    }
    return written
  }

  #decideNext(): readonly Event[] {
    return decide(this.#state, { ...this.#load.next(), problem: null }, rules)
  }
}
