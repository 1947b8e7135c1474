/** The processes of the simulated world that run production code: sequencers and gateways, and a producer of raw records. */
import type { Coordinator } from '@signalbox/client'
import { type EscalationService, startEscalation } from '@signalbox/escalation'
import { Desk } from '@signalbox/gateway'
import type { Log } from '@signalbox/log'
import { ReadModel } from '@signalbox/partition-state'
import { type ProcessManager, startProcessManager } from '@signalbox/process-manager'
import { defaultBounds, noMetrics, Sequencer } from '@signalbox/sequencer'
import { Registry } from 'prom-client'
import { simulatedContractRecords } from './contracts.ts'
import type { Environment } from './environment.ts'
import { type Life, type Service, SimulatedProcess } from './process.ts'
import type { Receiver } from './receiver.ts'
import { routes, targets } from './settings.ts'

/** Nobody connects to it. */
const address = {
  url: 'http://10.0.0.1/',
  secrets: [`whsec_${Buffer.from('a key of twenty-four byte').toString('base64')}`],
  allowPlain: true,
  allowPrivate: true,
}

export interface RunningSequencer extends Service {
  readonly sequencer: Sequencer
}

export class SequencerProcess extends SimulatedProcess<RunningSequencer> {
  protected override async run(life: Life<RunningSequencer>): Promise<RunningSequencer> {
    const { bounds, codec, planted, rules, trace } = this.environment
    const say = (_fields: unknown, message?: string) => trace.note(`${life.name} says ${message}`)
    // As `startSequencer` does it; the digests of the contracts are computed once for all lives, as they cost more than a short run.
    const sequencer = await Sequencer.start({
      log: life.log,
      codec,
      rules,
      ours: { contracts: rules.contracts, records: simulatedContractRecords, acceptIncompatible: false },
      checkFirst: false,
      clock: planted?.sequencerClock?.(life.clock) ?? life.clock,
      logger: { info: say, warn: say, error: say },
      metrics: noMetrics,
      // The checker learns from this who wrote an epoch.
      software: life.name,
      bounds: { ...defaultBounds, snapshotEvents: 12, ...bounds },
      standby: true,
      damaged: (_partition, error) => void this.fail(life, error, []),
    })
    sequencer.failed.catch((error: unknown) => this.fail(life, error, ['FULL']))
    return { sequencer, stop: () => sequencer.stop() }
  }

  protected override decorate(log: Log): Log {
    return this.environment.planted?.sequencerLog?.(log, this.environment) ?? log
  }
}

export interface RunningGateway extends Service {
  readonly desk: Coordinator
  readonly production: Desk
  readonly readModel: ReadModel
}

export class GatewayProcess extends SimulatedProcess<RunningGateway> {
  // As `startGateway` does it, without the server.
  protected override async run(life: Life<RunningGateway>): Promise<RunningGateway> {
    const { codec, planted, rules } = this.environment
    const { clock, log } = life
    const readModel = new ReadModel({ log, codec, limits: rules.limits, clock, failed: (error) => this.fail(life, error, []) })
    const production = new Desk({ log, codec, rules, clock, readModel })
    await readModel.start()
    const stop = async () => {
      await production.close()
      await readModel.close()
    }
    return { desk: planted?.desk?.(production, this.environment) ?? production, production, readModel, stop }
  }

  protected override decorate(log: Log): Log {
    return this.environment.planted?.gatewayLog?.(log, this.environment) ?? log
  }
}

export interface RunningManager extends Service {
  readonly manager: ProcessManager
}

/** Carries quarantines to every partition and drives transfers; at times there are two of them. */
export class ManagerProcess extends SimulatedProcess<RunningManager> {
  protected override run(life: Life<RunningManager>): Promise<RunningManager> {
    const { codec, trace } = this.environment
    const say = (_fields: unknown, message?: string) => trace.note(`${life.name} says ${message}`)
    const logger = { info: say, warn: say, error: say }
    const manager = startProcessManager({ log: life.log, codec, reactions: [], clock: life.clock, logger, registry: new Registry() })
    manager.failed.catch((error: unknown) => this.fail(life, error, []))
    return Promise.resolve({ manager, stop: () => manager.stop() })
  }

  protected override decorate(log: Log): Log {
    return this.environment.planted?.managerLog?.(log) ?? log
  }
}

export interface RunningEscalation extends Service {
  readonly service: EscalationService
}

/** Keeps the inbox, and tells webhook targets. */
export class EscalationProcess extends SimulatedProcess<RunningEscalation> {
  readonly #receiver: Receiver

  constructor(environment: Environment, name: string, offsetMs: number, receiver: Receiver) {
    super(environment, name, offsetMs)
    this.#receiver = receiver
  }

  protected override run(life: Life<RunningEscalation>): Promise<RunningEscalation> {
    const { codec, planted, random, trace } = this.environment
    const say = (_fields: unknown, message?: string) => trace.note(`${life.name} says ${message}`)
    const draw = random.stream(life.name)
    const post = this.#receiver.postOf(() => life.isOver)
    const service = startEscalation({
      log: life.log,
      codec,
      escalation: { targets: targets.map((name) => ({ name, ...address, attempts: 3, timeoutMs: 2_000 })), routes },
      logger: { info: say, warn: say, error: say },
      registry: new Registry(),
      clock: life.clock,
      random: () => draw.fraction(),
      post: planted?.post?.(post) ?? post,
    })
    service.failed.catch((error: unknown) => this.fail(life, error, []))
    return Promise.resolve({ service, stop: () => service.stop() })
  }

  protected override decorate(log: Log): Log {
    return this.environment.planted?.escalationLog?.(log) ?? log
  }
}

/** A program that writes to the log itself, past every gateway. */
export class ProducerProcess extends SimulatedProcess<Service> {
  protected override run(): Promise<Service> {
    return Promise.resolve({ stop: () => Promise.resolve() })
  }
}
