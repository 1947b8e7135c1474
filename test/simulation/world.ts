/** One run: a world drawn from a seed, its troubles, its healing, and what was left behind for the checker. */
import { createCodec } from '@signalbox/codec'
import { MemoryLogStore, type MemoryLogStoreOptions } from '@signalbox/log-memory'
import { rulesOf } from '@signalbox/sequencer'
import { SimulatedAgent } from './agents.ts'
import { allProcesses, type Cast, Chaos } from './chaos.ts'
import { simulatedAgents, simulatedContracts, simulatedLimits } from './contracts.ts'
import type { CheckName, Environment, PlantedBug, Violation } from './environment.ts'
import { drawRoughness, Faults } from './faults.ts'
import { drawScopes } from './intents.ts'
import type { AcknowledgedIntent } from './observed-log.ts'
import { describe } from './process.ts'
import { Producer } from './producer.ts'
import { Random } from './random.ts'
import { GatewayProcess, ManagerProcess, ProducerProcess, SequencerProcess } from './services.ts'
import { Trace } from './trace.ts'
import { VirtualTime } from './virtual-clock.ts'

const codec = createCodec({ limits: simulatedLimits })
const startMs = 1_800_000_000_000
const troubledMs = 40_000
const healBoundMs = 180_000
const stopBoundMs = 60_000

export interface WorldOptions {
  readonly planted?: PlantedBug | null
  /** Gets every line of the trace. */
  readonly print?: (line: string) => void
}

export class World {
  readonly seed: number
  readonly environment: Environment
  readonly cast: Cast
  readonly violations: Violation[] = []
  /** Where the events of each partition ended when the world was healed. */
  readonly eventsAtHealing: number[] = []
  /** The latest time that the clock of each life had shown until then. */
  readonly latestAtHealing = new Map<string, number>()
  readonly #producer: Producer
  readonly #random: Random

  constructor(seed: number, options: WorldOptions) {
    this.seed = seed
    const random = new Random(`seed ${seed}`)
    this.#random = random.stream('world')
    this.environment = this.#makeEnvironment(random, options)
    this.cast = this.#makeCast()
    this.#producer = new Producer(this.environment, this.cast.producer)
  }

  /** Plays the run to its end; the violations are those that show on the way. */
  async play(): Promise<void> {
    const { time, trace } = this.environment
    for (const process of allProcesses(this.cast)) process.start()
    void new Chaos(this.environment, this.cast).rage()
    for (const [index, agent] of this.cast.agents.entries())
      this.#watch(agent.play(this.#random.between(4, 10), index === 0 && this.#random.chance(0.8)))
    this.#watch(this.#producer.play(this.#random.between(3, 10)))
    await time.runUntil(() => this.#producer.isDone && this.cast.agents.every(({ isDone }) => isDone), troubledMs)
    trace.note('heal')
    this.#heal()
    await this.#settle()
    trace.note('settled')
  }

  /** Ends every process in good order. */
  async stop(): Promise<void> {
    const { time } = this.environment
    let open = 0
    const late: string[] = []
    for (const process of allProcesses(this.cast)) {
      open++
      this.#watch(
        process.stop(false).then((inTime) => {
          if (!inTime) late.push(process.name)
          open--
        }),
      )
    }
    const allStopped = await time.runUntil(() => open === 0, stopBoundMs)
    if (!allStopped || late.length > 0)
      this.#report('settles', `${allStopped ? late.join(', ') : `${open} processes`} did not stop in time`)
  }

  #makeEnvironment(random: Random, { planted = null, print }: WorldOptions): Environment {
    const draw = random.stream('settings')
    const time = new VirtualTime(random.stream('scheduler'))
    const partitionCount = draw.chance(0.85) ? 2 : 1
    const options: MemoryLogStoreOptions = { partitionCount, gapAfterBatch: draw.chance(0.5) }
    const store = planted?.store?.(options) ?? new MemoryLogStore(options)
    const rules = rulesOf({ contracts: simulatedContracts, limits: simulatedLimits, agents: simulatedAgents, log: store })
    const acknowledgedIntents: AcknowledgedIntent[] = []
    return {
      random,
      time,
      trace: new Trace(() => time.nowMs, print ?? null),
      faults: new Faults(random.stream('faults'), drawRoughness(draw)),
      store,
      codec,
      rules,
      scopes: drawScopes(draw),
      bounds: {
        batchRecords: draw.pick([1, 2, 3, 8, 64]),
        batchBytes: draw.pick([600, 4_000, 1_000_000]),
        batchesUnderWay: draw.between(1, 3),
        readWaitMs: draw.pick([250, 1_000]),
        firstRetryMs: draw.pick([10, 100]),
        lastRetryMs: draw.pick([200, 2_000]),
        restorePatienceMs: draw.pick([2_000, 30_000]),
      },
      planted,
      acknowledgedIntents,
      givenDecisions: [],
      observations: [],
      report: (check, message) => this.#report(check, message),
    }
  }

  #makeCast(): Cast {
    const draw = this.#random
    const offset = () => startMs + draw.between(-1_500, 1_500)
    const { environment } = this
    const sequencers = Array.from(
      { length: draw.between(2, 3) },
      (_, index) => new SequencerProcess(environment, `sequencer-${index}`, offset()),
    )
    const gateways = Array.from({ length: draw.between(1, 2) }, (_, index) => new GatewayProcess(environment, `gateway-${index}`, offset()))
    const managers = Array.from(
      { length: draw.chance(0.2) ? 2 : 1 },
      (_, index) => new ManagerProcess(environment, `manager-${index}`, offset()),
    )
    const producer = new ProducerProcess(environment, 'producer', offset())
    const agents = Array.from(
      { length: draw.between(3, 5) },
      (_, index) => new SimulatedAgent(environment, gateways, index === 3 ? 'human:ada' : `agent-${index}`, offset()),
    )
    return { sequencers, gateways, managers, producer, agents }
  }

  /** No more faults; the clocks agree; whoever is dead, doomed or a zombie is started anew. */
  #heal(): void {
    const { faults, store, time } = this.environment
    for (let partition = 0; partition < store.partitionCount; partition++)
      this.eventsAtHealing.push(store.topic('events', partition).offsets.end)
    const processes = allProcesses(this.cast)
    for (const { lives } of processes) for (const life of lives) this.latestAtHealing.set(life.name, life.clock.latestMs)
    faults.heal()
    const latestMs = Math.max(...processes.map((process) => process.latestMs))
    for (const process of processes) {
      process.offsetMs = latestMs - time.nowMs
      const { life } = process
      if (life !== null && (life.isDoomed || life.isZombie)) process.kill()
    }
    for (const { clock } of this.cast.agents) clock.offsetMs = latestMs - time.nowMs
  }

  async #settle(): Promise<void> {
    const { time } = this.environment
    const agents = this.cast.agents
    let finishing = agents.length
    const finish = async (agent: SimulatedAgent) => {
      // The last call of its script must come to its end first.
      while (!agent.isDone) await time.sleep(50)
      await agent.finish()
      finishing--
    }
    for (const agent of agents) this.#watch(finish(agent))
    const isSettled = () => finishing === 0 && this.#producer.isDone && this.#unsettled() === null
    const deadlineMs = time.nowMs + healBoundMs
    while (await time.runUntil(isSettled, deadlineMs - time.nowMs)) {
      // Answers to what is durable already may be on their way, and so may what was sent twice.
      const ends = this.#intentsEnds()
      await time.runUntil(() => false, 200)
      if (isSettled() && this.#intentsEnds() === ends) return
    }
    const open = agents
      .filter(({ openIntents }) => openIntents > 0)
      .map(({ name, openIntents }) => `${name} waits for ${openIntents} decisions`)
    this.#report('settles', [...open, this.#unsettled() ?? 'the agents are not done'].join('; '))
  }

  #intentsEnds(): string {
    const { store } = this.environment
    return Array.from({ length: store.partitionCount }, (_, partition) => store.topic('intents', partition).offsets.end).join()
  }

  /** What is still to come, in words; null when all is as it should be. */
  #unsettled(): string | null {
    const { store } = this.environment
    const { gateways, sequencers } = this.cast
    for (const process of allProcesses(this.cast)) {
      if (process.life?.service == null) return `${process.name} does not run`
      if (process.life.writesUnderWay > 0) return `${process.name} waits for an answer of the log`
    }
    for (let partition = 0; partition < store.partitionCount; partition++) {
      const phases = sequencers.map(({ life }) => life!.service!.sequencer.phases().get(partition) ?? 'given up')
      if (phases.filter((phase) => phase === 'active').length !== 1 || phases.some((phase) => phase !== 'active' && phase !== 'given up'))
        return `partition ${partition} is ${phases.join(', ')}`
      const owner = sequencers.map(({ life }) => life!.service!.sequencer.state(partition)).find((state) => state !== null)
      const { end } = store.topic('intents', partition).offsets
      if (owner === undefined) return `partition ${partition} has no state`
      if (owner.nextOffset !== end) return `partition ${partition} is decided up to ${owner.nextOffset} of ${end}`
      const { pending, timers } = owner.coordination
      if (pending.hasReady || timers.nextMs <= sequencers[0]!.latestMs) return `on partition ${partition} something is due`
      const events = store.topic('events', partition)
      for (const { life, name } of gateways) {
        const position = life!.service!.readModel.position(partition)
        if (events.read(Math.min(position, events.offsets.end), { maxRecords: 1, maxBytes: 1 }).length > 0)
          return `${name} has not read all of partition ${partition}`
      }
    }
    return null
  }

  #watch(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.#report('errors', describe(error)))
  }

  #report(check: CheckName, message: string): void {
    // A broken world says the same thing many times over.
    if (this.violations.filter((violation) => violation.check === check).length < 5) this.violations.push({ check, message })
  }
}
