/** A human who closes partitions, as one who means to move the log, and after a while opens them again. */
import { generationResource, systemScope } from '@signalbox/contract'
import type { Random } from '../support/random.ts'
import type { SimulatedAgent } from './agents.ts'
import { drawOversight } from './coordinations.ts'
import type { Environment } from './environment.ts'
import type { GatewayProcess } from './services.ts'

const lookMs = 200
const reason = 'as the script says'

export class Operator {
  /** Its hands: one of the agents, without a script of its own. */
  readonly agent: SimulatedAgent
  readonly #environment: Environment
  readonly #gateways: readonly GatewayProcess[]
  readonly #random: Random
  readonly #pass: (ms: number) => void
  #isOver = false

  constructor(environment: Environment, gateways: readonly GatewayProcess[], agent: SimulatedAgent, pass: (ms: number) => void) {
    this.#pass = pass
    this.#environment = environment
    this.#gateways = gateways
    this.agent = agent
    this.#random = environment.random.stream('operator')
  }

  /** Until the world is healed. */
  async play(): Promise<void> {
    const { faults, plan, store, time } = this.#environment
    const random = this.#random
    await this.agent.play(0, false)
    if (!plan.closes) return
    const all = Array.from({ length: store.partitionCount }, (_, partition) => partition)
    await time.sleep(random.between(0, 2_500))
    while (!faults.isHealed) {
      const some = random.chance(0.5) ? all : [random.pick(all)]
      // Much may be due by then that nobody has come to.
      if (random.chance(0.4)) this.#pass(random.between(500, random.pick([5_000, 5_000, 60_000, 3_600_000])))
      await Promise.all(some.map((partition) => this.#say(partition, 'close')))
      await time.sleep(random.between(100, 2_500))
      if (!faults.isHealed) await Promise.all(some.map((partition) => this.#say(partition, 'reopen')))
      await time.sleep(random.between(500, 6_000))
    }
  }

  /** Opens whatever is closed, whoever closed it, until the world has settled; what is being moved stays closed. */
  async tend(): Promise<void> {
    const { plan, store, time } = this.#environment
    while (plan.closes && !this.#isOver) {
      await time.sleep(lookMs)
      for (let partition = 0; partition < store.partitionCount; partition++) {
        if (!this.#isClosed(partition)) continue
        await this.#say(partition, 'reopen')
        await this.agent.finish()
      }
    }
  }

  /** Puts an agent into quarantine, or lets it out, at its home. */
  async oversee(): Promise<void> {
    const drawn = drawOversight(this.#random, this.agent.clock.nowMs(), false)
    await this.agent.say(`~${drawn.resource}`, [drawn])
  }

  rest(): void {
    this.#isOver = true
  }

  async #say(partition: number, action: 'close' | 'reopen'): Promise<void> {
    const input = action === 'close' ? { next: `log-${this.#random.between(2, 4)}`, reason } : { reason }
    const scope = systemScope(partition, this.#environment.store.partitionCount)
    await this.agent.say(scope, [{ resource: generationResource, action, input }])
  }

  /** As far as a gateway knows. */
  #isClosed(partition: number): boolean {
    const readModel = this.#gateways.map(({ life }) => life?.service?.readModel).find((each) => each !== undefined)
    return readModel !== undefined && readModel.state(partition).coordination.closed !== null
  }
}
