/** The faults themselves. Each resolves, to what it did in a few words, once the run is whole again as far as it broke it. */
import type { Random } from '../simulation/random.ts'
import type { Brokers } from './brokers.ts'
import type { Fleet, SequencerProcess } from './fleet.ts'
import { API_KEYS } from './kafka-frames.ts'
import type { Load } from './load.ts'
import { happensUnderLoad, type Point, points } from './points.ts'
import type { FaultKind } from './schedule.ts'
import { came, sleep } from './wait.ts'

const targetTimeoutMs = 20_000
const pointTimeoutMs = 25_000
const cutTimeoutMs = 20_000
const rebalanceMs = 6_000

export interface FaultContext {
  readonly brokers: Brokers
  readonly fleet: Fleet
  readonly load: Load
  readonly topicPrefix: string
  readonly sessionTimeoutMs: number
  readonly random: Random
  readonly counts: Counts
}

/** What has really happened, in contrast to what was tried. */
export class Counts {
  sequencerKills = 0
  zombies = 0
  /** Of the zombies: those whose partitions others had taken over when they came back. */
  zombiesReplaced = 0
  brokerKills = 0
  lostAnswers = 0
  lostRequests = 0
  rebalances = 0
  registryAbsences = 0
  fullDisks = 0
  /** Faults that found nothing to strike within their time. */
  missed = 0
}

/** One process or broker is struck at a time by those that must not overlap. */
export class Faults {
  readonly #context: FaultContext
  #points: Point[]
  #ofBrokers: Promise<unknown> = Promise.resolve()
  #ofPoints: Promise<unknown> = Promise.resolve()
  #ofCuts: Promise<unknown> = Promise.resolve()
  #variants = 0

  constructor(context: FaultContext) {
    this.#context = context
    this.#points = shuffled(points, context.random)
  }

  strike(kind: FaultKind): Promise<string> {
    switch (kind) {
      case 'kill':
        return this.#kill()
      case 'zombie':
        return this.#zombie()
      case 'rebalance':
        return this.#rebalance()
      case 'point':
        this.#ofPoints = this.#ofPoints.then(() => this.#point())
        return this.#ofPoints as Promise<string>
      case 'cut':
        this.#ofCuts = this.#ofCuts.then(() => this.#cut())
        return this.#ofCuts as Promise<string>
      case 'broker':
        this.#ofBrokers = this.#ofBrokers.then(() => this.#broker())
        return this.#ofBrokers as Promise<string>
      case 'disk-full':
        this.#ofBrokers = this.#ofBrokers.then(() => this.#diskFull())
        return this.#ofBrokers as Promise<string>
      case 'registry':
        this.#ofBrokers = this.#ofBrokers.then(() => this.#registry())
        return this.#ofBrokers as Promise<string>
    }
  }

  #missed(what: string): string {
    this.#context.counts.missed++
    return `missed: ${what}`
  }

  /** Most often one that decides something. */
  async #target(): Promise<SequencerProcess | null> {
    const { fleet, random } = this.#context
    if (!(await came(targetTimeoutMs, () => fleet.owners.length > 0))) return null
    return random.pick(random.chance(0.8) ? fleet.owners : fleet.running)
  }

  async #kill(): Promise<string> {
    const target = await this.#target()
    if (target === null) return this.#missed('no sequencer to kill')
    target.signal('SIGKILL')
    this.#context.counts.sequencerKills++
    await target.exited
    return `sequencer ${target.number}, which decided ${target.active.length === 0 ? 'nothing any more' : target.active}`
  }

  async #point(): Promise<string> {
    const { counts, fleet, random } = this.#context
    if (this.#points.length === 0) this.#points = shuffled(points, random)
    const point = this.#points.shift()!
    const before = fleet.hits.length
    fleet.arm({ point, passes: random.between(1, 4) })
    if (!happensUnderLoad(point)) (await this.#target())?.signal('SIGTERM')
    let isHit = await came(pointTimeoutMs / 2, () => fleet.hits.length > before)
    if (!isHit) {
      // What is rare is passed once by each: the next of them shall die of it.
      fleet.arm({ point, passes: 1 })
      if (!happensUnderLoad(point)) (await this.#target())?.signal('SIGTERM')
      isHit = await came(pointTimeoutMs, () => fleet.hits.length > before)
    }
    fleet.disarm()
    counts.sequencerKills += fleet.hits.length - before
    if (isHit) return `at ${point}`
    this.#points.push(point)
    return this.#missed(`nobody came to ${point}`)
  }

  async #zombie(): Promise<string> {
    const { counts, fleet, random, sessionTimeoutMs } = this.#context
    const target = await this.#target()
    if (target === null) return this.#missed('no sequencer to stop')
    const decided = target.active
    target.signal('SIGSTOP')
    await sleep(sessionTimeoutMs + random.between(300, 4_000))
    const others = new Set(fleet.owners.flatMap(({ active }) => active))
    target.signal('SIGCONT')
    counts.zombies++
    const taken = decided.filter((partition) => others.has(partition))
    if (taken.length > 0) counts.zombiesReplaced++
    return `sequencer ${target.number}, which decided ${decided}; others decide ${taken.length} of these now`
  }

  async #rebalance(): Promise<string> {
    const { counts, fleet, random } = this.#context
    const guests: SequencerProcess[] = []
    const endMs = performance.now() + rebalanceMs
    while (performance.now() < endMs) {
      const leaver = guests.findLast(({ isExpectedToEnd }) => !isExpectedToEnd)
      if (leaver !== undefined && random.chance(0.5)) leaver.signal('SIGTERM')
      else guests.push(fleet.addGuest())
      counts.rebalances++
      await sleep(1_000)
    }
    for (const guest of guests) if (guest.isAlive) guest.signal('SIGTERM')
    await Promise.all(guests.map(({ exited }) => exited))
    return `${guests.length} guests came and went`
  }

  async #cut(): Promise<string> {
    const { brokers, counts, random } = this.#context
    const kind = random.chance(0.75) ? 'lost-answer' : 'lost-request'
    if (!(await brokers.cuts.arm(API_KEYS.EndTxn, kind, AbortSignal.timeout(cutTimeoutMs)))) return this.#missed('no commit to cut')
    if (kind === 'lost-answer') counts.lostAnswers++
    else counts.lostRequests++
    return `a commit met a ${kind}`
  }

  async #broker(): Promise<string> {
    const { brokers, counts, random } = this.#context
    const member = random.pick(brokers.members)
    await member.kill()
    counts.brokerKills++
    await sleep(random.between(500, 6_000))
    await member.start()
    await brokers.untilInSync()
    return `broker ${member.id}, and it is back in sync`
  }

  async #diskFull(): Promise<string> {
    const { brokers, counts, random } = this.#context
    const member = random.pick(brokers.members)
    const hasEnded = await brokers.fillDisk(member)
    counts.fullDisks++
    await sleep(random.between(500, 3_000))
    await member.start()
    await brokers.untilInSync()
    return `broker ${member.id}, which ${hasEnded ? 'ended of it' : 'went on and was killed'}, and is back in sync`
  }

  async #registry(): Promise<string> {
    const { brokers, counts, load, random, topicPrefix } = this.#context
    const { registry } = brokers
    if (registry === null) return this.#missed('there is no schema registry')
    const id = await registry.variantOf(`${topicPrefix}.intents-value`, `variant ${++this.#variants}`)
    await registry.goAway()
    // Nobody but the agents knows this schema: partitions stall until the registry is back.
    load.useSchema(id)
    const awayMs = random.between(3_000, 8_000)
    await sleep(awayMs)
    await registry.comeBack()
    counts.registryAbsences++
    return `away for ${awayMs} ms and more while intents came under schema ${id}`
  }
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random.fraction() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item)
}
