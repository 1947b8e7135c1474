/** The gateway as a process of its own. */
import { type RunningService, type ServiceContext, watchedLog } from '@signalbox/service'
import { type GatewayWiring, startGateway } from './wiring.ts'

type Context = ServiceContext & Pick<GatewayWiring, 'maxStreams' | 'personal' | 'rules' | 'software'>

export async function runGateway(context: Context): Promise<RunningService> {
  const watched = watchedLog(context)
  const gateway = await startGateway({ ...context, troubles: () => watched.troubles() })
  return {
    failed: gateway.failed,
    listen: (where) => gateway.server.listen(where),
    async stop() {
      await watched.close()
      await gateway.close()
    },
  }
}
