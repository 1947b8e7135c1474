/** The projector with its store and its server: a part of `up`, and a service on its own. */
import type { ListenSettings } from '@signalbox/http'
import { createProjectorServer, type Projector, startProjector } from '@signalbox/projector'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { rememberStore } from '../data-directory.ts'
import type { Engine } from '../logs.ts'
import { personalOf } from '../personal.ts'
import { openFeed, openProjectionStore, projectionsOf, storeKind } from '../projections.ts'
import type { Settings } from '../settings.ts'

export interface RunningProjector {
  readonly projector: Projector
  /** Rejects when the process should end. */
  readonly failed: Promise<never>
  listen(address: ListenSettings): Promise<string>
  /** Finishes the transactions under way and closes the store; the log is closed afterwards. */
  stop(): Promise<void>
}

export interface ProjectorContext extends Engine {
  readonly settings: Settings
  readonly logger: Logger
  readonly registry: Registry
}

export async function openProjector({ codec, log, logger, registry, settings }: ProjectorContext): Promise<RunningProjector> {
  const projections = projectionsOf(settings)
  const store = await openProjectionStore(settings, { setAside: (message) => logger.error(message) })
  rememberStore(settings.dataDirectory, storeKind(settings))
  const { close, feed } = await openFeed(settings, { log, codec }).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  const projector = startProjector({ log, feed, store, projections, logger, registry })
  const { reveal } = personalOf(settings)
  const server = createProjectorServer(projector, registry, logger, reveal)
  return {
    projector,
    failed: projector.failed,
    listen: (address) => server.listen(address),
    async stop() {
      await server.close()
      await projector.stop()
      await close()
      await store.close()
    },
  }
}
