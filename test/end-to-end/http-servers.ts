/** Every kind of HTTP server that Signalbox has, listening. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { createOperationsServer, type ListenSettings } from '@signalbox/http'
import { createMemoryLog } from '@signalbox/log-memory'
import { shippedProjections } from '@signalbox/projection/shipped'
import { EventFeed } from '@signalbox/projection-host'
import { MemoryStore } from '@signalbox/projection-store'
import { createProjectorServer, startProjector } from '@signalbox/projector'
import pino from 'pino'
import { Registry } from 'prom-client'
import { openShop } from './shop.ts'

export const serverNames = ['gateway', 'projector', 'operations'] as const
export type ServerName = (typeof serverNames)[number]

export interface HttpServers {
  readonly urls: Readonly<Record<ServerName, string>>
  /** An address of each that answers 200 to whoever may ask. */
  readonly reads: Readonly<Record<ServerName, string>>
  close(): Promise<void>
}

export async function openHttpServers(where: Partial<ListenSettings> = {}): Promise<HttpServers> {
  const address = { host: '127.0.0.1', port: 0, ...where }
  const shop = await openShop(where)
  const logger = pino({ level: 'silent' })
  const registry = new Registry()
  const log = createMemoryLog()
  const feed = new EventFeed(log, createCodec({ limits: defaultLimits }))
  const store = new MemoryStore()
  const projector = startProjector({ log, feed, store, projections: shippedProjections, logger, registry })
  const server = createProjectorServer(projector, registry, logger)
  const operations = createOperationsServer({ registry: new Registry(), notReady: () => null }, logger)
  const listening = [await server.listen(address), await operations.listen(address)] as const
  return {
    urls: {
      gateway: shop.url,
      projector: listening[0],
      operations: listening[1],
    },
    reads: { gateway: '/v1/status', projector: '/v1/projections', operations: '/livez' },
    async close() {
      await operations.close()
      await server.close()
      await projector.stop()
      await feed.close()
      await log.close()
      await shop.close()
    },
  }
}
