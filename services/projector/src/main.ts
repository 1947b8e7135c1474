/** The projector as a process of its own, or beside others in one. Several share nothing: one owns each projection, the others stand by. */
import type { RunningService } from '@signalbox/service'
import type { Logger } from 'pino'
import { type ProjectorWiring, startProjector } from './projector.ts'
import { createProjectorServer } from './server.ts'

interface Context extends ProjectorWiring {
  readonly logger: Logger
  /** Shows personal data in what is answered, to a projector that holds the keys. */
  readonly reveal: <Value>(value: Value) => Value
}

export async function runProjector(context: Context): Promise<RunningService> {
  const projector = startProjector(context)
  const server = createProjectorServer(projector, context.registry, context.logger, context.reveal)
  return {
    failed: projector.failed,
    listen: (where) => server.listen(where),
    async stop() {
      await server.close()
      await projector.stop()
    },
  }
}
