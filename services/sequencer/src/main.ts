/** The sequencer as a process of its own: it decides, and serves what orchestrators and Prometheus ask. */
import { createOperationsServer } from '@signalbox/http'
import { type RunningService, type ServiceContext, watchedLog } from '@signalbox/service'
import { watchLag } from './lag.ts'
import { sequencerMetrics } from './metrics.ts'
import { type SequencerWiring, startSequencer } from './wiring.ts'

type Context = ServiceContext & Pick<SequencerWiring, 'acceptIncompatible' | 'agents' | 'containment' | 'contracts' | 'software'>

/** Throws ContractsRefused where its contracts cannot decide what the log holds. */
export async function runSequencer({ registry, ...context }: Context): Promise<RunningService> {
  const { log, logger } = context
  const sequencer = await startSequencer({ ...context, metrics: sequencerMetrics(registry), checkFirst: true })
  watchLag(registry, log, sequencer)
  const watched = watchedLog({ log, logger, registry }, (troubles) => sequencer.heldBack(troubles))
  const notReady = () => {
    if (!sequencer.hasJoined()) return 'the group of sequencers has not answered yet; see the log of this process'
    const trouble = watched.notReady()
    if (trouble !== null) return trouble
    const [refused] = sequencer.refusals()
    if (refused !== undefined) return refused.message
    const [found] = [...sequencer.phases()].filter(([, phase]) => phase !== 'active' && phase !== 'given up')
    return found === undefined ? null : `partition ${found[0]} is ${found[1]}; see the log of this process`
  }
  const server = createOperationsServer({ registry, notReady }, logger)
  return {
    failed: sequencer.failed,
    listen: (where) => server.listen(where),
    async stop() {
      await server.close()
      await watched.close()
      await sequencer.stop()
    },
  }
}
