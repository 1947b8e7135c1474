/** Agents that append intents straight to Kafka, remember each that was acknowledged, and send again what is in doubt. */
import type { Codec } from '@signalbox/codec'
import { bareIntent, type Intent, makeUuidV7, partitionOf } from '@signalbox/contract'
import { isLogError, type Log } from '@signalbox/log'
import type { Random } from '../support/random.ts'
import type { Acknowledged, History } from './history.ts'
import { sleep, until } from './wait.ts'

const agents = 12
const scopesOfPartition = 2
const capacity = 40
const longestPauseMs = 120
/** Agents wait while so many of all their intents have no answer yet. */
const mostUndecided = 1_500
const answerPatienceMs = 1_500
const pauseTimeoutMs = 60_000

export class Load {
  readonly acknowledged: Acknowledged[] = []
  /** Appends whose outcome was unknown or that were refused for the moment, each sent again. */
  sentAgain = 0
  readonly #log: Log
  readonly #codec: Codec
  readonly #history: History
  readonly #random: Random
  readonly #scopes: readonly string[]
  #isPaused = true
  #busy = 0
  #isOver = false
  #running: Promise<void>[] = []
  #failure: Error | null = null
  #unanswered: Acknowledged[] = []
  #schemaId: number | null = null

  constructor(log: Log, codec: Codec, history: History, random: Random) {
    this.#log = log
    this.#codec = codec
    this.#history = history
    this.#random = random
    this.#scopes = scopesFor(log.partitionCount)
  }

  start(): void {
    this.#running = Array.from({ length: agents }, (_, index) => this.#agent(index, this.#random.stream(`agent-${index}`)))
    this.resume()
  }

  /** The id of the schema that intents are framed with from now on: the same shape as the codec's own. */
  useSchema(id: number): void {
    this.#schemaId = id
  }

  /** No intent is on its way any more once this has resolved. Errors: TooLateError, and what an agent failed of. */
  async pause(): Promise<void> {
    this.#isPaused = true
    await until('every agent knows that its intent was appended', pauseTimeoutMs, () => this.#busy === 0 || this.#failure !== null)
    if (this.#failure !== null) throw this.#failure
  }

  resume(): void {
    this.#isPaused = false
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#running)
  }

  /** How many acknowledged intents have no answer, as far as it is known. */
  get undecided(): number {
    this.#unanswered = this.#unanswered.filter((each) => !this.#history.isDecided(each))
    return this.#unanswered.length
  }

  async #agent(index: number, random: Random): Promise<void> {
    try {
      while (!this.#isOver) {
        await sleep(random.between(1, longestPauseMs))
        if (this.#isPaused || this.undecided > mostUndecided) continue
        this.#busy++
        const sent = await this.#send(this.#intent(index, random), random)
        this.#busy--
        if (sent !== null) await this.#answered(sent)
      }
    } catch (error) {
      this.#failure ??= error as Error
    }
  }

  /** The last append that was acknowledged: what is in doubt is sent again, and some of what is not. */
  async #send(intent: Intent, random: Random): Promise<Acknowledged | null> {
    const partition = partitionOf(intent.scope, this.#log.partitionCount)
    let last: Acknowledged | null = null
    for (let copies = random.chance(0.05) ? 2 : 1; copies > 0 && !this.#isOver; ) {
      try {
        const { offset } = await this.#log.append(partition, { key: intent.scope, value: this.#encode(intent), headers: {} })
        last = { intentId: intent.intentId, partition, offset }
        this.acknowledged.push(last)
        this.#unanswered.push(last)
        copies--
      } catch (error) {
        if (!isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL')) throw error
        this.sentAgain++
        await sleep(50)
      }
    }
    return last
  }

  #encode(intent: Intent): Uint8Array {
    const bytes = this.#codec.encodeIntent(intent)
    if (this.#schemaId !== null && bytes[0] === 0) new DataView(bytes.buffer, bytes.byteOffset).setUint32(1, this.#schemaId)
    return bytes
  }

  async #answered(sent: Acknowledged): Promise<void> {
    const deadlineMs = performance.now() + answerPatienceMs
    while (!this.#isOver && !this.#history.isDecided(sent) && performance.now() < deadlineMs) await sleep(10)
  }

  #intent(index: number, random: Random): Intent {
    const scope = random.pick(this.#scopes)
    const versionOf = (resource: string) => this.#history.versions.get(`${scope} ${resource}`) ?? 0
    const shelf = `shelf/${random.between(1, 2)}`
    const order = `order/${random.between(1, 3)}`
    const isShelf = random.chance(0.6)
    const resource = isShelf ? shelf : order
    const version = versionOf(resource)
    if (version === 0) return asIntent(index, scope, resource, 'open', isShelf ? { capacity } : { cents: 1 }, null, random)
    if (!isShelf) return asIntent(index, scope, order, 'amend', { cents: random.between(1, 10_000) }, version, random)
    return asIntent(index, scope, shelf, random.chance(0.6) ? 'take' : 'give', { count: random.between(1, 9) }, null, random)
  }
}

function asIntent(
  index: number,
  scope: string,
  resource: string,
  action: string,
  input: object,
  expectedVersion: number | null,
  random: Random,
): Intent {
  const intentId = makeUuidV7(Date.now(), random.bytes(10))
  return bareIntent({
    intentId,
    scope,
    agent: `agent-${index}`,
    actions: [{ resource, action, input: JSON.stringify(input), expectedVersion }],
  })
}

/** So many scopes of each partition. */
function scopesFor(partitionCount: number): readonly string[] {
  const found = Array.from({ length: partitionCount }, (): string[] => [])
  for (let number = 1; found.some((ofPartition) => ofPartition.length < scopesOfPartition); number++) {
    const scope = `store-${number}`
    const ofPartition = found[partitionOf(scope, partitionCount)]!
    if (ofPartition.length < scopesOfPartition) ofPartition.push(scope)
  }
  return found.flat()
}
