/** A sequencer and an escalation consumer, each a process of its own on one memory log, before a receiver on a real socket. */
import { createCodec } from '@signalbox/codec'
import {
  bareIntent,
  canonicalize,
  contractSet,
  defaultLimits,
  defineContract,
  type JsonObject,
  makeUuidV7,
  none,
} from '@signalbox/contract'
import type { LogRecord, Topic } from '@signalbox/log'
import { createMemoryLog, type MemoryLogOptions, MemoryLogStore } from '@signalbox/log-memory'
import { type Sequencer, startSequencer } from '@signalbox/sequencer'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { z } from 'zod'
import { type EscalationService, startEscalation } from '../../src/index.ts'
import { secret } from '../webhook/desk.ts'
import type { Receiver } from '../webhook/receiver.ts'

const patienceMs = 10_000
export const codec = createCodec({ limits: defaultLimits })

/** A payment of which a large one needs a human: first the desk, then leads. */
const payment = defineContract({
  type: 'payment',
  version: 1,
  owner: { team: 'payments', contact: '#payments' },
  data: z.strictObject({ cents: z.int() }),
  states: ['asked', 'paid'],
  actions: {
    ask: { from: none, to: 'asked', input: z.strictObject({ cents: z.int() }) },
    pay: {
      from: 'asked',
      to: 'paid',
      conflict: 'commutative',
      escalate: [{ when: ({ data }) => data.cents > 100, to: 'desk', reason: 'LARGE' }],
    },
  },
  escalation: {
    levels: [
      { to: 'desk', withinMs: 60_000 },
      { to: 'leads', withinMs: 60_000 },
    ],
  },
})

export interface Heard {
  readonly id: string
  readonly type: string
  readonly group: string
  readonly state: string
  readonly resource: string
}

export class House implements AsyncDisposable {
  readonly store = new MemoryLogStore()
  readonly #log = createMemoryLog({ store: this.store, process: 'sequencer' })
  #sequencer: Sequencer | null = null
  readonly #running = new Set<EscalationService>()
  #intents = 0

  static async open(): Promise<House> {
    const house = new House()
    house.#sequencer = await startSequencer({
      log: house.#log,
      codec,
      contracts: contractSet([payment]),
      logger: pino({ level: 'silent' }),
      software: 'test',
      standby: false,
    })
    return house
  }

  /** Resolves once it is decided. */
  async ask(agent: string, resource: string, action: string, input: JsonObject = {}, scope = 'shop'): Promise<string> {
    const bits = new Uint8Array(10)
    new DataView(bits.buffer).setUint32(6, ++this.#intents)
    const intent = bareIntent({
      intentId: makeUuidV7(Date.now(), bits),
      scope,
      agent,
      actions: [{ resource, action, input: canonicalize(input), expectedVersion: null }],
    })
    const { offset } = await this.#log.append(0, { key: scope, value: codec.encodeIntent(intent), headers: {} })
    await until('a decision', () => this.records('events').some(({ value }) => codec.decodeEvent(value!).offset >= offset))
    return intent.intentId
  }

  /** An escalation of a payment, open at the desk; gives its name. */
  async escalate(id: string): Promise<string> {
    await this.ask('clerk', `payment/${id}`, 'ask', { cents: 500 })
    return `escalation/${await this.ask('clerk', `payment/${id}`, 'pay')}`
  }

  /** A process of its own: `crash` ends it as a kill would. */
  start(
    receivers: Readonly<Record<string, Receiver>>,
    more: { readonly routes?: Readonly<Record<string, readonly string[]>>; readonly fault?: MemoryLogOptions['fault'] } = {},
  ): EscalationService & { crash(): void; readonly registry: Registry } {
    const { routes } = more
    const log = createMemoryLog({ store: this.store, process: 'escalation', ...(more.fault && { fault: more.fault }) })
    const registry = new Registry()
    const targets = Object.entries(receivers).map(([name, receiver]) => ({
      name,
      url: receiver.url(),
      secrets: [secret],
      allowPrivate: true,
      allowPlain: true,
      ports: [receiver.port],
    }))
    const service = startEscalation({
      log,
      codec,
      escalation: { targets, ...(routes && { routes }) },
      logger: pino({ level: 'silent' }),
      registry,
      random: () => 0,
    })
    this.#running.add(service)
    return {
      inbox: service.inbox,
      failed: service.failed,
      registry,
      notReady: () => service.notReady(),
      crash: () => {
        // Nothing it is asked ever answers again, to be stopped included.
        this.#running.delete(service)
        log.crash()
      },
      stop: async () => {
        this.#running.delete(service)
        await service.stop()
        await log.close()
      },
    }
  }

  records(topic: Topic): readonly LogRecord[] {
    const { end, start } = this.store.topic(topic, 0).offsets
    return end === start ? [] : this.store.topic(topic, 0).read(start, { maxRecords: 10_000, maxBytes: Number.MAX_SAFE_INTEGER })
  }

  /** What was written of notifications. */
  receipts(): readonly {
    readonly kind: string
    readonly id?: string
    readonly target?: string
    readonly cause?: string
    readonly letter?: string
  }[] {
    return this.records('notifications').map(({ value }) => JSON.parse(Buffer.from(value!).toString()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running].map((service) => service.stop()))
    await this.#sequencer?.stop()
    await this.#log.close()
  }
}

export function heardBy({ received }: Receiver): Heard[] {
  return received.map(({ body, headers }) => {
    const { data, group, type } = JSON.parse(body) as { type: string; group: string; data: { state: string; resource: string } }
    return { id: `${headers['webhook-id']}`, type, group, state: data.state, resource: data.resource }
  })
}

export async function until(what: string, done: () => boolean): Promise<void> {
  for (const sinceMs = Date.now(); !done(); ) {
    if (Date.now() - sinceMs > patienceMs) throw new Error(`${what}: not within ${patienceMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
