/** Puts a sequencer together. The one place of this service where the core and a log meet. */
import { type Codec, sha256 } from '@signalbox/codec'
import { type Containment, type ContractSet, contractRecords, defaultContainment, defaultLimits, type Limits } from '@signalbox/contract'
import { preparedContracts, type Rules } from '@signalbox/core'
import { type Clock, type Log, systemClock } from '@signalbox/log'
import type { Logger } from 'pino'
import { noMetrics, type SequencerMetrics } from './metrics.ts'
import { Sequencer } from './sequencer.ts'
import { defaultBounds, type SequencerBounds, type SequencerSettings } from './settings.ts'

export interface SequencerWiring {
  readonly log: Log
  readonly codec: Codec
  readonly contracts: ContractSet
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly software: string
  readonly agents?: readonly string[] | null
  readonly containment?: Containment
  readonly limits?: Limits
  readonly clock?: Clock
  readonly metrics?: SequencerMetrics
  readonly bounds?: Partial<SequencerBounds>
  /** Default: true where the log can have several owners. */
  readonly standby?: boolean
  /** Decides also where resources do not fit the contracts; `PartitionOpened` records that. Default false. */
  readonly acceptIncompatible?: boolean
  /** Default false. Throws ContractsRefused from the start then. */
  readonly checkFirst?: boolean
  readonly published?: SequencerSettings['published']
  readonly damaged?: SequencerSettings['damaged']
}

export function rulesOf(
  wiring: Pick<SequencerWiring, 'agents' | 'containment' | 'contracts' | 'limits'> & { readonly log: { readonly partitionCount: number } },
): Rules {
  return {
    contracts: preparedContracts(wiring.contracts),
    limits: wiring.limits ?? defaultLimits,
    containment: wiring.containment ?? defaultContainment,
    partitionCount: wiring.log.partitionCount,
    agents: wiring.agents ?? null,
    sha256,
  }
}

export async function startSequencer(wiring: SequencerWiring): Promise<Sequencer> {
  return await Sequencer.start(settingsOf(wiring))
}

/** Where a write costs little, a short batch keeps the log busy early; where it is a transaction, of which there are few, it takes all there is. */
function boundsFor({ name }: Log): SequencerBounds {
  return name === 'kafka' ? { ...defaultBounds, firstBatchRecords: defaultBounds.batchRecords } : defaultBounds
}

/** Defaults filled in. */
export function settingsOf(wiring: SequencerWiring): SequencerSettings {
  const { acceptIncompatible = false } = wiring
  return {
    log: wiring.log,
    codec: wiring.codec,
    rules: rulesOf(wiring),
    ours: {
      contracts: wiring.contracts,
      records: contractRecords(wiring.contracts, sha256, wiring.containment ?? defaultContainment),
      acceptIncompatible,
    },
    checkFirst: wiring.checkFirst ?? false,
    clock: wiring.clock ?? systemClock,
    logger: wiring.logger,
    metrics: wiring.metrics ?? noMetrics,
    software: acceptIncompatible ? `${wiring.software}, incompatible contracts accepted` : wiring.software,
    bounds: { ...boundsFor(wiring.log), ...wiring.bounds },
    standby: wiring.standby ?? wiring.log.name === 'kafka',
    ...(wiring.published === undefined ? {} : { published: wiring.published }),
    ...(wiring.damaged === undefined ? {} : { damaged: wiring.damaged }),
  }
}
