/** What `signalbox audit` says of the logs of a world that was moved; of others the checker says enough. */
import { createMemoryLog } from '@signalbox/log-memory'
import { auditPartition } from '@signalbox/replay'
import { simulatedContractRecords } from './contracts.ts'
import { describe } from './process.ts'
import { MachineClock } from './virtual-clock.ts'
import type { World } from './world.ts'

export async function checkAudits({ environment }: World): Promise<void> {
  const { codec, eras, report, time } = environment
  for (const [number, { rules, store }] of eras.length > 1 ? eras.entries() : []) {
    const log = createMemoryLog({ store, process: 'audit', clock: new MachineClock(time, 0) })
    for (let partition = 0; partition < store.partitionCount; partition++) {
      try {
        const options = { log, codec, rules, contracts: simulatedContractRecords, snapshots: log.snapshots }
        const { findings } = await auditPartition(options, partition)
        for (const finding of findings) report('audit', `log ${number}, partition ${partition}: ${JSON.stringify(finding)}`)
      } catch (error) {
        report('errors', `log ${number}, partition ${partition} could not be audited: ${describe(error)}`)
      }
    }
  }
}
