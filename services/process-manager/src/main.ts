/** The process manager as a process of its own: it appends what follows, and serves what orchestrators and Prometheus ask. */
import { createOperationsServer } from '@signalbox/http'
import type { RunningService, ServiceContext } from '@signalbox/service'
import { type ProcessManagerWiring, startProcessManager } from './wiring.ts'

type Context = ServiceContext & Pick<ProcessManagerWiring, 'containment' | 'reactions'>

export async function runProcessManager(context: Context): Promise<RunningService> {
  const { logger, registry } = context
  const processManager = startProcessManager(context)
  const server = createOperationsServer({ registry, notReady: () => processManager.notReady() }, logger)
  return {
    failed: processManager.failed,
    listen: (where) => server.listen(where),
    async stop() {
      await server.close()
      await processManager.stop()
    },
  }
}
