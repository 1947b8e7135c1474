/** Writes records to the log without gateway or client, as `kcat` would: good ones, broken ones, and ones in the wrong place. */
import { type Intent, intentToJson, type JsonObject, makeUuidV7 } from '@signalbox/contract'
import type { Random } from '../support/random.ts'
import type { Environment } from './environment.ts'
import { drawActions, drawResources } from './intents.ts'
import { modelPartitionOf } from './model/partitions.ts'
import { describe } from './process.ts'
import type { ProducerProcess } from './services.ts'

export class Producer {
  readonly #environment: Environment
  readonly #process: ProducerProcess
  readonly #random: Random
  #isDone = false

  constructor(environment: Environment, process: ProducerProcess) {
    this.#environment = environment
    this.#process = process
    this.#random = environment.random.stream('records')
  }

  get isDone(): boolean {
    return this.#isDone
  }

  async play(records: number): Promise<void> {
    const { faults, time } = this.#environment
    for (let record = 0; record < records && !faults.isHealed; record++) {
      await time.sleep(this.#random.between(0, 800))
      await this.#write()
    }
    this.#isDone = true
  }

  async #write(): Promise<void> {
    const { store, time, trace } = this.#environment
    const random = this.#random
    const { life } = this.#process
    if (life === null) return
    const scope = random.pick(this.#environment.scopes)
    const right = modelPartitionOf(scope, store.partitionCount)
    const partition = random.chance(0.15) ? random.between(0, store.partitionCount - 1) : right
    const value = this.#bytes(scope, life.clock.nowMs())
    const copies = random.chance(0.2) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      try {
        const answer = life.log.append(partition, { key: scope, value, headers: {} })
        // A call that a crash swallowed never answers.
        await Promise.race([answer, time.sleep(8_000)])
      } catch (error) {
        trace.note(`${this.#process.name} meets ${describe(error)}`)
      }
    }
  }

  #bytes(scope: string, nowMs: number): Uint8Array {
    const random = this.#random
    const intent = this.#intent(scope, nowMs)
    const { codec } = this.#environment
    const json = intentToJson(intent)
    const text = (value: JsonObject) => new TextEncoder().encode(JSON.stringify(value))
    switch (
      random.weighted({ json: 6, avro: 3, cut: 1, cutAvro: 1, field: 1, bytes: 1, empty: 1, latin: 1, more: 1, otherSchema: 1, space: 1 })
    ) {
      case 'json':
        return text(json)
      case 'avro':
        return codec.encodeIntent(intent)
      case 'cut':
        return text(json).slice(0, 30)
      case 'cutAvro':
        return codec.encodeIntent(intent).slice(0, -7)
      case 'field':
        return text({ ...json, urgent: true })
      case 'bytes':
        return random.bytes(random.between(1, 60)).map((byte, index) => (index === 0 && byte === 0x7b ? 0x7c : byte))
      case 'empty':
        return new Uint8Array()
      case 'latin':
        return Uint8Array.from([...text({ ...json, note: 'M' })].map((byte) => (byte === 0x4d ? 0xfc : byte)))
      case 'more':
        return Uint8Array.from([...codec.encodeIntent(intent), 0])
      case 'otherSchema':
        return codec.encodeIntent(intent).map((byte, index) => (index === 5 ? byte ^ 0xff : byte))
      case 'space':
        return new TextEncoder().encode(JSON.stringify(json, null, 2))
    }
  }

  #intent(scope: string, nowMs: number): Intent {
    const random = this.#random
    const intentId = makeUuidV7(nowMs, random.bytes(10))
    return {
      intentId,
      scope,
      agent: 'producer',
      actions: drawActions(random, drawResources(random, this.#environment.plan.resources), null).map(({ action, input, resource }) => ({
        resource,
        action,
        input: JSON.stringify(input ?? {}),
        expectedVersion: random.chance(0.3) ? random.between(0, 3) : null,
      })),
      reads: random.chance(0.3) ? [{ resource: 'account/one', version: random.between(0, 2) }] : [],
      correlationId: intentId,
      causationId: null,
      deadline: null,
      priority: null,
      confidence: null,
      onConflict: 'reject',
      reservation: null,
      note: null,
      signature: random.chance(0.2) ? 'unsigned' : null,
      causationDepth: null,
    }
  }
}
