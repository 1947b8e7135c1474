/** The faults themselves. Each resolves, to what it did in a few words, once the run is whole again as far as it broke it. */
import type { Random } from '../support/random.ts'
import type { Brokers } from './brokers.ts'
import type { Fleet, SequencerProcess } from './fleet.ts'
import { API_KEYS } from './kafka-frames.ts'
import type { Load } from './load.ts'
import { happensUnderLoad, type Point, zombiePoints } from './points.ts'
import type { CutKind } from './proxy.ts'
import type { ScheduledFault } from './schedule.ts'
import { came, sleep } from './wait.ts'

const targetTimeoutMs = 30_000
const pointTimeoutMs = 15_000
const endTimeoutMs = 5_000
const disarmMs = 1_000
const cutTimeoutMs = 40_000
const takeoverTimeoutMs = 20_000
const rebalanceMs = 6_000

export interface FaultContext {
  readonly brokers: Brokers
  readonly fleet: Fleet
  readonly load: Load
  readonly topicPrefix: string
  readonly sessionTimeoutMs: number
  readonly random: Random
  readonly counts: Counts
  /** Where sequencers are killed, each in its turn, in an order that is drawn. */
  readonly points: readonly Point[]
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

/** Runs one thing after the other, whatever becomes of each. */
class Queue {
  #last: Promise<unknown> = Promise.resolve()

  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task)
    this.#last = result.catch(() => undefined)
    return result
  }
}

export class Faults {
  readonly #context: FaultContext
  #points: Point[]
  // Never two brokers at a time; one armed point; one cut; one zombie, so that others are there to take over.
  readonly #ofBrokers = new Queue()
  readonly #ofPoints = new Queue()
  readonly #ofCuts = new Queue()
  readonly #ofZombies = new Queue()
  #variants = 0

  constructor(context: FaultContext) {
    this.#context = context
    this.#points = shuffled(context.points, context.random)
  }

  strike({ cut, kind, point }: ScheduledFault): Promise<string> {
    switch (kind) {
      case 'kill':
        return this.#kill()
      case 'zombie':
        return this.#ofZombies.run(() => this.#zombie(point))
      case 'rebalance':
        return this.#rebalance()
      case 'point':
        return this.#ofPoints.run(() => this.#point(point))
      case 'cut':
        return this.#ofCuts.run(() => this.#cut(cut))
      case 'broker':
        return this.#ofBrokers.run(() => this.#broker())
      case 'disk-full':
        return this.#ofBrokers.run(() => this.#diskFull())
      case 'registry':
        return this.#ofBrokers.run(() => this.#registry())
    }
  }

  #missed(what: string): string {
    this.#context.counts.missed++
    return `missed: ${what}`
  }

  /** One that decides something, or any with the given chance; null where nobody decides anything for long. */
  async #target(chanceOfAny = 0): Promise<SequencerProcess | null> {
    const { fleet, random } = this.#context
    if (!(await came(targetTimeoutMs, () => fleet.owners.length > 0))) return null
    return random.pick(random.chance(chanceOfAny) ? fleet.running : fleet.owners)
  }

  async #kill(): Promise<string> {
    const target = await this.#target(0.2)
    if (target === null) return this.#missed('no sequencer to kill')
    const decided = target.active
    target.signal('SIGKILL')
    this.#context.counts.sequencerKills++
    await target.exited
    return `sequencer ${target.number}, which decided ${decided.length === 0 ? 'nothing' : decided}`
  }

  async #point(named: Point | undefined): Promise<string> {
    const { counts, fleet, random } = this.#context
    if (this.#points.length === 0) this.#points = shuffled(this.#context.points, random)
    const point = named ?? this.#points.shift()!
    const before = fleet.hits.length
    let isHit = false
    // What is rare is passed once by each: at the second attempt the next of them dies of it.
    for (const passes of [random.between(1, 4), 1]) {
      // Looked for before anybody is armed: processes that die at their start would be replaced by such all the while.
      const leaver = happensUnderLoad(point) ? null : await this.#target()
      fleet.arm({ point, passes, signal: 'SIGKILL' })
      leaver?.signal('SIGTERM')
      isHit = await came(pointTimeoutMs, () => fleet.hits.length > before)
      if (isHit) break
    }
    fleet.disarm()
    // Until its end is seen, who asks whether all is whole is answered as of before.
    await came(endTimeoutMs, () => fleet.hits.slice(before).every(({ pid }) => !fleet.has(pid)))
    counts.sequencerKills += fleet.hits.length - before
    if (isHit) return `at ${point}`
    this.#points.push(point)
    return this.#missed(`nobody came to ${point}`)
  }

  async #zombie(named: Point | undefined): Promise<string> {
    const { counts, fleet, random, sessionTimeoutMs } = this.#context
    const point = named ?? (random.chance(0.5) ? random.pick(zombiePoints) : null)
    const target = await this.#target()
    if (target === null) return this.#missed('no sequencer to stop')
    const isAtPoint = point !== null && (await this.#stoppedAt(target, point))
    const decided = target.active
    target.signal('SIGSTOP')
    target.active = []
    const others = () => fleet.owners.flatMap(({ active }) => active).filter((partition) => decided.includes(partition))
    await sleep(sessionTimeoutMs)
    // Where nobody else is there to take over, it comes back to what it had.
    await came(takeoverTimeoutMs, () => others().length > 0)
    await sleep(random.between(0, 2_000))
    const taken = others()
    target.signal('SIGCONT')
    counts.zombies++
    if (taken.length > 0) counts.zombiesReplaced++
    const where = isAtPoint ? ` and stopped at ${point}` : ''
    return `sequencer ${target.number}, which decided ${decided}${where}; others decide ${taken.length} of these now`
  }

  /** Lets the sequencer stop when it passes the point; false where it does not come there. */
  async #stoppedAt(target: SequencerProcess, point: Point): Promise<boolean> {
    const { fleet } = this.#context
    const before = fleet.stops.length
    const isStopped = () => fleet.stops.slice(before).some(({ pid }) => pid === target.pid)
    target.tell({ kind: 'arm', point, passes: 1, signal: 'SIGSTOP' })
    if (await came(pointTimeoutMs, () => isStopped() || !target.isAlive)) return isStopped()
    target.tell({ kind: 'disarm' })
    // Until it has heard that, it may come there after all.
    return await came(disarmMs, isStopped)
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

  async #cut(named: CutKind | undefined): Promise<string> {
    const { brokers, counts, random, topicPrefix } = this.#context
    const kind = named ?? (random.chance(0.75) ? 'lost-answer' : 'lost-request')
    const request = { apiKey: API_KEYS.EndTxn, text: topicPrefix }
    if (!(await brokers.cuts.arm(request, kind, AbortSignal.timeout(cutTimeoutMs)))) return this.#missed('no commit to cut')
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
