/** One run: a world drawn from a seed, its troubles, its healing, and what was left behind for the checker. */
import { createCodec } from '@signalbox/codec'
import type { Moved } from '@signalbox/generation'
import { MemoryLogStore, type MemoryLogStoreOptions } from '@signalbox/log-memory'
import { rulesOf } from '@signalbox/sequencer'
import { Random } from '../support/random.ts'
import { SimulatedAgent } from './agents.ts'
import { allProcesses, type Cast, Chaos } from './chaos.ts'
import { allDue, missingNotifications } from './check-notifications.ts'
import { simulatedAgents, simulatedContracts, simulatedLimits } from './contracts.ts'
import type { CheckName, Environment, PlantedBug, Violation } from './environment.ts'
import type { Era } from './era.ts'
import { drawRoughness, Faults } from './faults.ts'
import { Mover } from './mover.ts'
import { Operator } from './operator.ts'
import { drawPlan, type Plan } from './plan.ts'
import { describe } from './process.ts'
import { Producer } from './producer.ts'
import { Receiver } from './receiver.ts'
import { EscalationProcess, GatewayProcess, ManagerProcess, ProducerProcess, SequencerProcess } from './services.ts'
import { Settling } from './settling.ts'
import { Trace } from './trace.ts'
import { VirtualTime } from './virtual-clock.ts'

const codec = createCodec({ limits: simulatedLimits })
const startMs = 1_800_000_000_000
const troubledMs = 40_000
const stopBoundMs = 60_000
const tellBoundMs = 20_000
/** Faults go on meanwhile. */
const tellWhileMovingMs = 120_000
const tellStepMs = 250
const humans = new Map([
  [3, 'human:ada'],
  [4, 'human:bob'],
])

export interface WorldOptions {
  readonly planted?: PlantedBug | null
  /** Gets every line of the trace. */
  readonly print?: (line: string) => void
}

export class World {
  readonly seed: number
  readonly environment: Environment
  readonly receiver: Receiver
  readonly cast: Cast
  readonly violations: Violation[] = []
  /** The latest time that the clock of each life had shown until the world was healed. */
  readonly latestAtHealing = new Map<string, number>()
  readonly #producer: Producer
  readonly #mover: Mover | null
  readonly #chaos: Chaos
  /** How many logs there were besides the first: a run twice gives them the same names. */
  #stores = 0
  readonly #finished = new Set<SimulatedAgent>()
  readonly #random: Random

  constructor(seed: number, options: WorldOptions) {
    this.seed = seed
    const random = new Random(`seed ${seed}`)
    this.#random = random.stream('world')
    this.environment = this.#makeEnvironment(random, options)
    this.receiver = new Receiver(this.environment)
    this.cast = this.#makeCast()
    this.#producer = new Producer(this.environment, this.cast.producer)
    this.#chaos = new Chaos(this.environment, this.cast)
    this.#mover = this.#makeMover(this.environment.eras)
  }

  /** Plays the run to its end; the violations are those that show on the way. */
  async play(): Promise<void> {
    const { time, trace } = this.environment
    for (const process of allProcesses(this.cast)) process.start()
    void this.#chaos.rage()
    for (const [index, agent] of this.cast.agents.entries()) {
      if (agent === this.cast.operator?.agent) continue
      this.#watch(agent.play(this.#random.between(...this.environment.plan.operations), index === 0 && this.#random.chance(0.8)))
    }
    this.#watch(this.#producer.play(this.#random.between(3, 10)))
    const { operator } = this.cast
    if (operator !== null) this.#watch(operator.play())
    if (this.#mover !== null) this.#watch(this.#mover.play())
    await time.runUntil(() => this.#isPlayed(), troubledMs)
    trace.note('heal')
    this.#heal()
    for (const agent of this.cast.agents) this.#watch(this.#finish(agent))
    if (operator !== null) this.#watch(operator.tend())
    await new Settling(this.environment, this.cast, () => this.#unfinished()).settle()
    let isTold = false
    void this.#tellAll(tellBoundMs).then(() => {
      isTold = true
    })
    await time.runUntil(() => isTold, tellBoundMs)
    operator?.rest()
    trace.note('settled')
  }

  #isPlayed(): boolean {
    return this.#producer.isDone && this.#mover?.isDone !== false && this.cast.agents.every(({ isDone }) => isDone)
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
    const store = makeStore(planted, { id: 'simulated-0', partitionCount, gapAfterBatch: draw.chance(0.5) })
    const plan = drawPlan(random.stream('plan'))
    const eras = [newEra(store, plan, null)]
    return {
      random,
      time,
      trace: new Trace(() => time.nowMs, print ?? null),
      faults: new Faults(random.stream('faults'), drawRoughness(draw, plan.theme === 'mixed')),
      eras,
      get era() {
        return eras.at(-1)!
      },
      get store() {
        return eras.at(-1)!.store
      },
      get rules() {
        return eras.at(-1)!.rules
      },
      codec,
      plan,
      scopes: plan.scopes,
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
      givenDecisions: [],
      report: (check, message) => this.#report(check, message),
    }
  }

  #makeMover(eras: Era[]): Mover | null {
    const { environment } = this
    const { plan, planted, trace } = environment
    if (!plan.moves) return null
    return new Mover({
      environment,
      makeStore: (partitionCount) =>
        makeStore(planted, { id: `simulated-${++this.#stores}`, partitionCount, gapAfterBatch: this.#random.chance(0.5) }),
      offsetMs: () => this.cast.producer.offsetMs,
      untilTold: () => this.#tellAll(tellWhileMovingMs),
      oversee: () => this.#watch(this.cast.operator!.oversee()),
      goOn: (store, moved) => {
        trace.note('everything is started anew on the new log')
        eras.push(newEra(store, plan, moved))
        if (environment.faults.isHealed) environment.era.eventsAtHealing = Array.from({ length: store.partitionCount }, () => 0)
        for (const process of allProcesses(this.cast)) process.kill()
      },
    })
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
    const escalations = environment.plan.tells ? [new EscalationProcess(environment, 'escalation', offset(), this.receiver)] : []
    const producer = new ProducerProcess(environment, 'producer', offset())
    const agents = Array.from(
      { length: environment.plan.agents },
      (_, index) => new SimulatedAgent(environment, gateways, humans.get(index) ?? `agent-${index}`, offset()),
    )
    if (!environment.plan.closes && !environment.plan.moves)
      return { sequencers, gateways, managers, escalations, producer, agents, operator: null }
    const operator = new Operator(environment, gateways, new SimulatedAgent(environment, gateways, 'human:op', offset()), (ms) =>
      this.#chaos.pass(ms),
    )
    return { sequencers, gateways, managers, escalations, producer, agents: [...agents, operator.agent], operator }
  }

  /** No more faults; the clocks agree; whoever is dead, doomed or a zombie is started anew. */
  #heal(): void {
    const { era, faults, store, time } = this.environment
    const partitions = Array.from({ length: store.partitionCount }, (_, partition) => partition)
    era.eventsAtHealing = partitions.map((partition) => store.topic('events', partition).offsets.end)
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

  /** Waits until people have been told all that a log asks for, as long as it may take; what is missing then the checker finds. */
  async #tellAll(boundMs: number): Promise<void> {
    const { environment, receiver } = this
    const { era, time } = environment
    if (this.cast.escalations.length === 0) return
    for (let step = 0; step < boundMs / tellStepMs; step++) {
      if (missingNotifications(era, receiver, allDue(environment, era)).length === 0) return
      await time.sleep(tellStepMs)
    }
  }

  /** Asks for what has no decision; the last call of its script must come to its end first. */
  async #finish(agent: SimulatedAgent): Promise<void> {
    while (!agent.isDone) await this.environment.time.sleep(50)
    await agent.finish()
    this.#finished.add(agent)
  }

  /** Who still asks for something, in words; null: nobody. */
  #unfinished(): string | null {
    if (!this.#producer.isDone) return 'the producer is not done'
    if (this.#mover?.isDone === false) return 'the log is being moved'
    const open = this.cast.agents.filter((agent) => !this.#finished.has(agent) || agent.openIntents > 0)
    return open.length === 0 ? null : open.map(({ name, openIntents }) => `${name} waits for ${openIntents} decisions`).join('; ')
  }

  #watch(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.#report('errors', describe(error)))
  }

  #report(check: CheckName, message: string): void {
    // A broken world says the same thing many times over.
    if (this.violations.filter((violation) => violation.check === check).length < 5) this.violations.push({ check, message })
  }
}

function makeStore(planted: PlantedBug | null, options: MemoryLogStoreOptions): MemoryLogStore {
  return planted?.store?.(options) ?? new MemoryLogStore(options)
}

function newEra(log: MemoryLogStore, { containment }: Plan, moved: Moved | null): Era {
  const rules = rulesOf({ contracts: simulatedContracts, containment, limits: simulatedLimits, agents: simulatedAgents, log })
  return { store: log, rules, acknowledgedIntents: [], observations: [], eventsAtHealing: null, moved }
}
