/** The projector on the store that the settings name: a part of `up`, and a service on its own. */
import { runProjector } from '@signalbox/projector'
import type { RunningService, ServiceContext } from '@signalbox/service'
import { rememberStore } from '../data-directory.ts'
import { personalOf } from '../personal.ts'
import { openFeed, openProjectionStore, projectionsOf, storeKind } from '../projections.ts'
import type { Settings } from '../settings.ts'

export async function openProjector(context: ServiceContext & { readonly settings: Settings }): Promise<RunningService> {
  const { logger, settings } = context
  const projections = projectionsOf(settings)
  const store = await openProjectionStore(settings, { setAside: (message) => logger.error(message) })
  rememberStore(settings.dataDirectory, storeKind(settings))
  const { close, feed } = await openFeed(settings, context).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  const { reveal } = personalOf(settings)
  const projector = await runProjector({ ...context, feed, store, projections, reveal })
  return {
    ...projector,
    async stop() {
      await projector.stop()
      await close()
      await store.close()
    },
  }
}
