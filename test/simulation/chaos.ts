/** Faults of whole processes and machines: crashes, zombies, restarts, clocks that jump. */

import type { Random } from '../support/random.ts'
import type { SimulatedAgent } from './agents.ts'
import type { Environment } from './environment.ts'
import type { Operator } from './operator.ts'
import type { Service, SimulatedProcess } from './process.ts'
import type { EscalationProcess, GatewayProcess, ManagerProcess, ProducerProcess, SequencerProcess } from './services.ts'

export interface Cast {
  readonly sequencers: readonly SequencerProcess[]
  readonly gateways: readonly GatewayProcess[]
  readonly managers: readonly ManagerProcess[]
  /** In some worlds people are told of escalations, in others they look themselves. */
  readonly escalations: readonly EscalationProcess[]
  readonly producer: ProducerProcess
  readonly agents: readonly SimulatedAgent[]
  /** In some worlds somebody closes the log and opens it again. */
  readonly operator: Operator | null
}

export function allProcesses({ escalations, gateways, managers, producer, sequencers }: Cast): readonly SimulatedProcess<Service>[] {
  return [...sequencers, ...gateways, ...managers, ...escalations, producer]
}

export class Chaos {
  readonly #environment: Environment
  readonly #cast: Cast
  readonly #random: Random

  constructor(environment: Environment, cast: Cast) {
    this.#environment = environment
    this.#cast = cast
    this.#random = environment.random.stream('chaos')
  }

  /** Until the world is healed. */
  async rage(): Promise<void> {
    const { faults, time } = this.#environment
    const { processFaultMs } = faults.roughness
    if (processFaultMs === null) return
    for (;;) {
      await time.sleep(this.#random.between(1, 2 * processFaultMs))
      if (faults.isHealed) return
      this.#strike()
    }
  }

  #strike(): void {
    const { faults, trace } = this.#environment
    const { agents, escalations, gateways, managers, sequencers } = this.#cast
    const random = this.#random
    const fault = random.weighted({ crash: 4, zombie: 3, restart: 2, clockAhead: 2, clockBack: 2, agentClock: 1, hoursPass: 2 })
    faults.count(fault)
    trace.note(`chaos: ${fault}`)
    switch (fault) {
      case 'crash':
        random.pick<SimulatedProcess<Service>>([...sequencers, ...sequencers, ...gateways, ...managers, ...escalations]).kill()
        break
      case 'zombie':
        this.#makeZombie()
        break
      case 'restart': {
        const process = random.pick<SimulatedProcess<Service>>([...sequencers, ...gateways, ...managers, ...escalations])
        void process.stop(true)
        break
      }
      case 'clockAhead':
        this.#jump(random.pick(allProcesses(this.#cast)), random.between(500, random.pick([3_000, 400_000])))
        break
      case 'clockBack':
        this.#jump(random.pick(allProcesses(this.#cast)), -random.between(500, random.pick([3_000, 400_000])))
        break
      case 'agentClock': {
        const { clock } = random.pick(agents)
        clock.offsetMs += random.between(-500_000, 500_000)
        break
      }
      case 'hoursPass':
        this.pass(random.between(20, 100) * 60_000)
    }
  }

  /** The group takes a sequencer's partitions away and does not tell it. Somebody notices later. */
  #makeZombie(): void {
    const { time } = this.#environment
    const { life } = this.#random.pick(this.#cast.sequencers)
    if (life === null || life.isZombie) return
    life.isZombie = true
    life.handle.expireSession()
    time.schedule(this.#random.between(1_000, 10_000), () => life.handle.crash())
  }

  #jump(process: SimulatedProcess<Service>, ms: number): void {
    process.offsetMs += ms
  }

  /** Time moves on for everybody, with nothing happening in between. */
  pass(ms: number): void {
    for (const process of allProcesses(this.#cast)) process.offsetMs += ms
    for (const { clock } of this.#cast.agents) clock.offsetMs += ms
  }
}
