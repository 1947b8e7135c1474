/** A human who closes partitions, as one who means to move the log, and after a while opens them again. */
import { generationResource, systemScope } from '@signalbox/contract'
import type { SimulatedAgent } from './agents.ts'
import type { Environment } from './environment.ts'
import type { Random } from './random.ts'
import type { GatewayProcess } from './services.ts'

const lookMs = 200
const reason = 'as the script says'

export class Operator {
  /** Its hands: one of the agents, without a script of its own. */
  readonly agent: SimulatedAgent
  readonly #environment: Environment
  readonly #gateways: readonly GatewayProcess[]
  readonly #random: Random
  #isOver = false

  constructor(environment: Environment, gateways: readonly GatewayProcess[], agent: SimulatedAgent) {
    this.#environment = environment
    this.#gateways = gateways
    this.agent = agent
    this.#random = environment.random.stream('operator')
  }

  /** Until the world is healed. */
  async play(): Promise<void> {
    const { faults, store, time } = this.#environment
    const random = this.#random
    await this.agent.play(0, false)
    const all = Array.from({ length: store.partitionCount }, (_, partition) => partition)
    await time.sleep(random.between(0, 2_500))
    while (!faults.isHealed) {
      const some = random.chance(0.5) ? all : [random.pick(all)]
      await Promise.all(some.map((partition) => this.#say(partition, 'close')))
      await time.sleep(random.between(100, 2_500))
      if (!faults.isHealed) await Promise.all(some.map((partition) => this.#say(partition, 'reopen')))
      await time.sleep(random.between(500, 6_000))
    }
  }

  /** Opens whatever is closed, whoever closed it, until the world has settled. */
  async tend(): Promise<void> {
    const { store, time } = this.#environment
    while (!this.#isOver) {
      await time.sleep(lookMs)
      for (let partition = 0; partition < store.partitionCount; partition++) {
        if (!this.#isClosed(partition)) continue
        await this.#say(partition, 'reopen')
        await this.agent.finish()
      }
    }
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
