import { isLogError, type Log } from '@signalbox/log'
import { Gauge, type Registry } from 'prom-client'
import type { Sequencer } from './sequencer.ts'

/** Asks the log, each time it is scraped, how far the partitions that are owned here lie behind their agents. */
export function watchLag(registry: Registry, log: Log, sequencer: Sequencer): void {
  const gauge = new Gauge({
    name: 'signalbox_partition_lag_intents',
    help: 'Offsets of intents without a decision yet, of the partitions that this process owns.',
    labelNames: ['partition'],
    registers: [registry],
    async collect() {
      const active = [...sequencer.phases().keys()].filter((partition) => sequencer.state(partition) !== null)
      gauge.reset()
      await Promise.all(
        active.map(async (partition) => {
          try {
            // Also what lies behind an open transaction: it waits, whoever may read it.
            const { written } = await log.offsets('intents', partition)
            const state = sequencer.state(partition)
            if (state !== null) gauge.set({ partition }, Math.max(0, written - state.nextOffset))
          } catch (error) {
            // No figure rather than a wrong one; the phase says what is the matter.
            if (!isLogError(error)) throw error
          }
        }),
      )
    },
  })
}
