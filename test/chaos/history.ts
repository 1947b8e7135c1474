/** What a read_committed consumer of the events sees, and a plain model of what must hold of it. Shares no code with the core. */
import type { Codec } from '@signalbox/codec'
import { UnknownSchemaError } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import { isLogError, type Log } from '@signalbox/log'
import { sleep } from './wait.ts'

const bounds = { maxRecords: 2_000, maxBytes: 4 * 1024 * 1024, waitMs: 500 }
const mostViolations = 20

/** An intent whose append was acknowledged. */
export interface Acknowledged {
  readonly intentId: string
  readonly partition: number
  readonly offset: number
}

interface Shelf {
  left: number
  readonly capacity: number
}

interface CanonicalAction {
  readonly resource: string
  readonly action: string
  readonly input: Readonly<Record<string, number>>
  readonly expectedVersion?: number
}

export class History {
  readonly violations: string[] = []
  /** By `scope resource`. */
  readonly versions = new Map<string, number>()
  committed = 0
  rejected = 0
  duplicates = 0
  /** How often any partition was opened. */
  openings = 0
  readonly #log: Log
  readonly #codec: Codec
  readonly #running: Promise<void>[] = []
  #isOver = false
  readonly #decisionsOfId = new Map<string, number>()
  readonly #answersOfRecord = new Map<string, number>()
  readonly #lastSource: number[] = []
  readonly #shelves = new Map<string, Shelf>()

  constructor(log: Log, codec: Codec) {
    this.#log = log
    this.#codec = codec
    for (let partition = 0; partition < log.partitionCount; partition++) this.#running.push(this.#read(partition))
  }

  isDecided({ offset, partition }: Acknowledged): boolean {
    return this.#answersOfRecord.has(`${partition}/${offset}`)
  }

  /** Says what is wrong about what was acknowledged, in sentences. */
  check(acknowledged: readonly Acknowledged[]): void {
    for (const each of acknowledged) {
      const { intentId, offset, partition } = each
      const answers = this.#answersOfRecord.get(`${partition}/${offset}`) ?? 0
      if (answers !== 1) this.#violated(`the intent at ${partition}/${offset} has ${answers} answers, not one`)
      const decisions = this.#decisionsOfId.get(intentId) ?? 0
      if (decisions !== 1) this.#violated(`intent ${intentId} has ${decisions} decisions, not one`)
    }
  }

  /** Ends reading; the log is closed by whoever opened it. */
  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#running)
  }

  #violated(message: string): void {
    if (this.violations.length < mostViolations) this.violations.push(message)
  }

  async #read(partition: number): Promise<void> {
    try {
      const cursor = await this.#log.cursor({ topic: 'events', partition, fromOffset: 0 })
      while (!this.#isOver) {
        try {
          for (const { value } of await cursor.next(bounds)) this.#take(await this.#decode(value!))
        } catch (error) {
          if (!isLogError(error, 'TRANSIENT')) throw error
          await sleep(100)
        }
      }
      await cursor.close()
    } catch (error) {
      if (!this.#isOver) this.#violated(`the events of partition ${partition} cannot be read: ${(error as Error).message}`)
    }
  }

  async #decode(value: Uint8Array): Promise<Event> {
    for (;;) {
      try {
        return this.#codec.decodeEvent(value)
      } catch (error) {
        if (!(error instanceof UnknownSchemaError)) throw error
        // A registry that is away comes back.
        await this.#codec.framing.learn(error.schemaId).catch(() => sleep(200))
      }
    }
  }

  #take(event: Event): void {
    if (event.type === 'PartitionOpened') {
      this.openings++
      return
    }
    const { offset, partition } = event
    const source = `${partition}/${offset}`
    if (offset < (this.#lastSource[partition] ?? -1)) this.#violated(`the event on ${source} follows one on ${this.#lastSource[partition]}`)
    this.#lastSource[partition] = offset
    this.#answersOfRecord.set(source, (this.#answersOfRecord.get(source) ?? 0) + 1)
    if (event.type === 'IntentDuplicated') {
      this.duplicates++
      return
    }
    if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') {
      // Nothing that the suite sends can wait or be in shadow, and it has no timers.
      this.#violated(`${source} made an event that nobody asked for: ${event.type}`)
      return
    }
    const { intentId } = event.payload
    const decisions = (this.#decisionsOfId.get(`${intentId}`) ?? 0) + 1
    this.#decisionsOfId.set(`${intentId}`, decisions)
    if (decisions > 1) this.#violated(`intent ${intentId} was decided again, at ${source}`)
    if (event.type === 'IntentRejected') {
      this.rejected++
      // Everything that the suite sends can be decoded and decided.
      if (event.payload.code === 'DEAD_LETTERED') this.#violated(`the intent at ${source} was dead-lettered: ${event.payload.message}`)
      return
    }
    this.committed++
    const { actions } = JSON.parse(event.payload.intent) as { actions: readonly CanonicalAction[] }
    for (const [index, action] of actions.entries()) this.#apply(source, event.scope, action, event.payload.changes[index])
  }

  #apply(source: string, scope: string, asked: CanonicalAction, change: { version: number; data: string } | undefined): void {
    const name = `${scope} ${asked.resource}`
    const version = (this.versions.get(name) ?? 0) + 1
    this.versions.set(name, version)
    if (change?.version !== version) this.#violated(`${source}: ${name} is said to be at version ${change?.version}, not ${version}`)
    if (asked.expectedVersion !== undefined && asked.expectedVersion !== version - 1)
      this.#violated(`${source}: ${name} was changed from version ${version - 1}; asked was ${asked.expectedVersion}`)
    if (!asked.resource.startsWith('shelf/')) return
    const { capacity = 0, count = 0 } = asked.input
    if (asked.action === 'open') this.#shelves.set(name, { left: capacity, capacity })
    const shelf = this.#shelves.get(name)
    if (shelf === undefined) {
      this.#violated(`${source}: ${name} was changed before it was there`)
      return
    }
    if (asked.action === 'take') shelf.left -= count
    if (asked.action === 'give') shelf.left += count
    if (shelf.left < 0 || shelf.left > shelf.capacity) this.#violated(`${source}: ${name} holds ${shelf.left} of ${shelf.capacity}`)
    const said = (JSON.parse(change?.data ?? '{}') as { left?: number }).left
    if (said !== shelf.left) this.#violated(`${source}: ${name} is said to hold ${said}, not ${shelf.left}`)
  }
}
