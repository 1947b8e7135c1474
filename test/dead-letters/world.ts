/** Dead letters of a real sequencer on the memory log, and a gateway's desk to redrive them by. */

import { newIntentId } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import { type ContractSet, contractSet, type Decision, defaultLimits, type Event, isOwnEvent } from '@signalbox/contract'
import {
  type DeadLetters,
  isCutOff,
  type RedriveDesk,
  type RedriveRun,
  type RedriveSettings,
  readDeadLetters,
  redriveLetters,
} from '@signalbox/dead-letters'
import { systemClock } from '@signalbox/log'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import { pino } from 'pino'
import { first, second } from './contracts.ts'
import { intent } from './intents.ts'

const patienceMs = 10_000
export const mended = contractSet([first, second])
const codec = createCodec({ limits: defaultLimits })

export interface Asked {
  readonly intentId: string
  readonly scope: string
}

export class World implements AsyncDisposable {
  readonly #store = new MemoryLogStore()
  #signalbox: RunningSignalbox | null = null
  readonly #reader = createMemoryLog({ store: this.#store, process: 'reader' })
  #sent = 0

  static async open(contracts: ContractSet = contractSet([first])): Promise<World> {
    const world = new World()
    await world.#start(contracts)
    return world
  }

  get desk(): RedriveDesk {
    return this.#signalbox!.gateway.desk
  }

  /** The contract no longer throws. */
  async mend(): Promise<void> {
    await this.#signalbox!.stop()
    await this.#start(mended)
  }

  async #start(contracts: ContractSet): Promise<void> {
    const log = createMemoryLog({ store: this.#store, process: `signalbox-${contracts.all[0]!.version}` })
    this.#signalbox = await startSignalbox({ log, contracts, logger: pino({ level: 'silent' }) })
  }

  /** Resolves when it is decided. */
  async send(value: Uint8Array | object, key: string): Promise<void> {
    const bytes = value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value))
    const { offset } = await this.#signalbox!.log.append(0, { key, value: bytes, headers: {} })
    await this.#until(() => this.events().some((event) => event.offset === offset && isOwnEvent(event)))
    this.#sent++
  }

  /** A belt in a scope, and parcels for it: those that are heavy become dead letters. */
  async belt(scope: string, pounds: readonly number[]): Promise<readonly Asked[]> {
    await this.send(intent(scope, 'start', {}), scope)
    const asked = pounds.map((weight, parcel) => intent(scope, 'pass', { parcel, pounds: weight }))
    for (const each of asked) await this.send(each, scope)
    return asked
  }

  events(): readonly Event[] {
    const { end, start } = this.#store.topic('events', 0).offsets
    if (end === start) return []
    const records = this.#store.topic('events', 0).read(start, { maxRecords: 100_000, maxBytes: Number.MAX_SAFE_INTEGER })
    return records.map(({ value }) => codec.decodeEvent(value!))
  }

  /** Parcels that passed in a scope, in their order. */
  passed(scope: string): readonly number[] {
    const changes = this.events().flatMap((event) =>
      event.type === 'IntentCommitted' && event.scope === scope ? event.payload.changes : [],
    )
    return (JSON.parse(changes.findLast(({ resource }) => resource === 'belt/main')!.data) as { passed: number[] }).passed
  }

  async letters(): Promise<DeadLetters> {
    return await readDeadLetters({ log: this.#reader, codec }, { contracts: mended })
  }

  /** Everything that is open, unless it is said what. */
  async redrive(more: Partial<RedriveSettings> = {}, ids?: readonly string[]): Promise<RedriveRun> {
    const letters = await this.letters()
    const selected = letters.all.filter((letter) =>
      ids === undefined ? letter.standing.state === 'open' || isCutOff(letter) : ids.includes(letter.id),
    )
    const settings: RedriveSettings = {
      letters,
      desk: this.desk,
      contracts: mended,
      limits: defaultLimits,
      partitionCount: 1,
      by: 'human:ann',
      reason: 'mended',
      fresh: false,
      batch: null,
      dryRun: false,
      goOn: false,
      edited: null,
      perSecond: 10_000,
      lanesAtOnce: 4,
      clock: systemClock,
      newId: newIntentId,
      signal: new AbortController().signal,
      ...more,
    }
    return await redriveLetters(settings, selected)
  }

  async #until(done: () => boolean): Promise<void> {
    for (const sinceMs = Date.now(); !done(); ) {
      if (Date.now() - sinceMs > patienceMs) throw new Error(`record ${this.#sent} is not decided within ${patienceMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#signalbox?.stop()
    await this.#reader.close()
  }
}

/** Dies at its nth call, before it or after it; from then on nothing it is asked has an effect. */
export function mortalDesk(desk: RedriveDesk, { after, call }: { readonly call: number; readonly after: boolean }): RedriveDesk {
  let calls = 0
  const mortal = async <Result>(ask: () => Promise<Result>): Promise<Result> => {
    const number = calls++
    if (number > call || (number === call && !after)) throw new Error('killed')
    const result = await ask()
    if (number === call || calls > call + 1) throw new Error('killed')
    return result
  }
  return {
    dryRun: (asked) => mortal(() => desk.dryRun(asked)),
    submit: (asked, options) => mortal<Decision | null>(() => desk.submit(asked, options)),
    decision: (intentId) => mortal<Decision | null>(() => desk.decision(intentId)),
  }
}
