/** Real decisions on counters, as fast as they can be made: the events that measurements and proofs of projections fold. */
import { Chain, chainHeader, createCodec } from '@signalbox/codec'
import { defaultLimits, partitionOf } from '@signalbox/contract'
import { decide, evolve, PartitionState } from '@signalbox/core'
import type { RecordToAppend } from '@signalbox/log'
import { capacity, makeIntent, rules, timeOf } from './workload.ts'

const codec = createCodec({ limits: defaultLimits })
const scopesOfPartition = 500
/** Every so many intents one comes with a version that has moved on, and is rejected. */
const staleEvery = 20

/** What one partition decides, batch after batch. */
export class Flood {
  readonly partition: number
  readonly #partitionCount: number
  readonly #scopes: readonly string[]
  readonly #state: PartitionState
  readonly #chain = new Chain()
  #number = 0
  committed = 0

  constructor(partition: number, partitionCount: number) {
    this.partition = partition
    this.#partitionCount = partitionCount
    this.#state = new PartitionState(partition, defaultLimits)
    this.#scopes = scopesOn(partition, partitionCount)
  }

  /** The events of so many intents, with the link of the chain on the last. */
  next(intents: number): readonly RecordToAppend[] {
    const values: { readonly key: string; readonly value: Uint8Array }[] = []
    for (let count = 0; count < intents; count++) {
      const number = this.#number++
      const scope = this.#scopes[number % this.#scopes.length]!
      const isFirst = number < this.#scopes.length
      const who = { scope, agent: `agent-${number % 64}` }
      const isStale = !isFirst && number % staleEvery === 0
      const asked = isFirst
        ? ({ ...who, action: 'open', input: { capacity } } as const)
        : isStale
          ? ({ ...who, action: 'set', input: { to: number }, expectedVersion: 0 } as const)
          : ({ ...who, action: 'add', input: { by: 1 + (number % 9) } } as const)
      // Ids of one partition must not meet those of another.
      const unique = number * this.#partitionCount + this.partition
      const record = { offset: number, timestampMs: timeOf(unique), intent: makeIntent(unique, asked), problem: null }
      for (const event of decide(this.#state, record, { ...rules, partitionCount: this.#partitionCount })) {
        evolve(this.#state, event)
        if (event.type === 'IntentCommitted') this.committed++
        values.push({ key: scope, value: codec.encodeEvent(event) })
      }
    }
    for (const { value } of values) this.#chain.add(value)
    const link = this.#chain.close()
    return values.map(({ key, value }, index) => ({ key, value, headers: index === values.length - 1 ? { [chainHeader]: link } : {} }))
  }
}

function scopesOn(partition: number, partitionCount: number): readonly string[] {
  const scopes: string[] = []
  for (let number = 0; scopes.length < scopesOfPartition; number++)
    if (partitionOf(`scope-${number}`, partitionCount) === partition) scopes.push(`scope-${number}`)
  return scopes
}
