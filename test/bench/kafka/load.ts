/** Clients that send an intent and wait until a read_committed consumer has its decision. */
import { newIntentId } from '@signalbox/client'
import { type Codec, createCodec } from '@signalbox/codec'
import { defaultLimits, formatEventReference, type Intent, partitionOf } from '@signalbox/contract'
import { decide, evolve, PartitionState } from '@signalbox/core'
import { type Cursor, isLogError, type Log } from '@signalbox/log'
import { openKafkaLog } from '@signalbox/log-kafka'
import { type Asked, capacity, counterIntent, rules } from '../../support/workload.ts'

const scopes = 64
const decisionTimeoutMs = 60_000

export class Load {
  readonly log: Log
  readonly #codec: Codec = createCodec({ limits: defaultLimits })
  readonly #cursors: Cursor[] = []
  readonly #waiting = new Map<string, () => void>()
  // Decisions that were read before the answer to their intent's append.
  readonly #early = new Set<string>()
  #failure: Error | null = null

  private constructor(log: Log) {
    this.log = log
  }

  static async open(brokers: string, topicPrefix: string): Promise<Load> {
    const load = new Load(await openKafkaLog({ brokers, topicPrefix }))
    for (let partition = 0; partition < load.log.partitionCount; partition++) {
      const cursor = await load.log.cursor({ topic: 'events', partition, fromOffset: 'end' })
      load.#cursors.push(cursor)
      void load.#read(cursor).catch((error: unknown) => {
        if (!isLogError(error, 'CLOSED')) load.#failure = error as Error
      })
    }
    return load
  }

  /** Opens the counters, which every later intent adds to. */
  async openCounters(): Promise<void> {
    await Promise.all(Array.from({ length: scopes }, (_, client) => this.#ask(client, 'open', { capacity })))
  }

  async add(client: number): Promise<void> {
    await this.#ask(client, 'add', { by: 1 })
  }

  /** An intent as it lies in the log. */
  value(client: number): Uint8Array {
    return this.#codec.encodeIntent(intentOf(client, 'add', { by: 1 }))
  }

  async close(): Promise<void> {
    await this.log.close()
  }

  async #ask(client: number, action: Asked['action'], input: Asked['input']): Promise<void> {
    const intent = intentOf(client, action, input)
    const record = { key: intent.scope, value: this.#codec.encodeIntent(intent), headers: {} }
    const { offset, partition } = await this.log.append(partitionOf(intent.scope, this.log.partitionCount), record)
    await this.#decided(formatEventReference({ partition, offset, index: 0 }))
  }

  async #decided(reference: string): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (this.#early.delete(reference)) return
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.set(reference, resolve)
        timer = setTimeout(
          () => reject(new Error(`the benchmark got no decision on ${reference} within ${decisionTimeoutMs} ms`)),
          decisionTimeoutMs,
        )
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(reference)
    }
  }

  async #read(cursor: Cursor): Promise<void> {
    for (;;) {
      for (const { headers } of await cursor.next({ maxRecords: 5_000, maxBytes: 8 * 1024 * 1024, waitMs: 1_000 })) {
        const reference = headers.ce_id!
        const answer = this.#waiting.get(reference)
        if (answer === undefined) this.#early.add(reference)
        else answer()
      }
    }
  }
}

function intentOf(client: number, action: Asked['action'], input: Asked['input']): Intent {
  return counterIntent(newIntentId(), { scope: `scope-${client % scopes}`, agent: `agent-${client}`, action, input })
}

/** What the value of an event takes that commits such an intent. */
export function eventBytes(): number {
  const codec = createCodec({ limits: defaultLimits })
  const state = new PartitionState(0, defaultLimits)
  let bytes = 0
  for (const [offset, action] of (['open', 'add'] as const).entries()) {
    const intent = codec.decodeIntent(codec.encodeIntent(intentOf(0, action, action === 'open' ? { capacity } : { by: 1 })))
    const [event] = decide(state, { offset, timestampMs: Date.now(), intent, problem: null }, rules)
    if (event!.type !== 'IntentCommitted') throw new Error(`the benchmark expects commits, and got ${JSON.stringify(event)}`)
    evolve(state, event!)
    bytes = codec.encodeEvent(event!).length
  }
  return bytes
}
