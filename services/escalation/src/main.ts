/** The escalation consumer as a process of its own: it tells people, and serves their inbox. */
import type { RunningService, ServiceContext } from '@signalbox/service'
import { createInboxServer } from './server.ts'
import { type EscalationWiring, startEscalation } from './wiring.ts'

type Context = ServiceContext & Pick<EscalationWiring, 'escalation'>

export async function runEscalation(context: Context): Promise<RunningService> {
  const escalation = startEscalation(context)
  const server = createInboxServer(escalation, context)
  return {
    failed: escalation.failed,
    listen: (where) => server.listen(where),
    async stop() {
      await server.close()
      await escalation.stop()
    },
  }
}
