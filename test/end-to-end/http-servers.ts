/** Every kind of HTTP server that Signalbox has, listening. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { createInboxServer, startEscalation } from '@signalbox/escalation'
import { createOperationsServer, type ListeningServer, type ListenSettings } from '@signalbox/http'
import { createMemoryLog } from '@signalbox/log-memory'
import { shippedProjections } from '@signalbox/projection/shipped'
import { EventFeed } from '@signalbox/projection-host'
import { MemoryStore } from '@signalbox/projection-store'
import { createProjectorServer, startProjector } from '@signalbox/projector'
import pino from 'pino'
import { Registry } from 'prom-client'
import { openShop } from '../support/shop.ts'

export const serverNames = ['gateway', 'projector', 'inbox', 'operations'] as const
export type ServerName = (typeof serverNames)[number]

export interface HttpServers {
  readonly urls: Readonly<Record<ServerName, string>>
  /** An address of each that answers 200 to whoever may ask. */
  readonly reads: Readonly<Record<ServerName, string>>
  /** Those that do not say who may ask what: they may be reached on loopback alone. */
  readonly open: Readonly<Record<Exclude<ServerName, 'operations'>, ListeningServer>>
  close(): Promise<void>
}

export async function openHttpServers(where: Partial<ListenSettings> = {}): Promise<HttpServers> {
  const address = { host: '127.0.0.1', port: 0, ...where }
  const shop = await openShop(where)
  const logger = pino({ level: 'silent' })
  const registry = new Registry()
  const log = createMemoryLog()
  const feed = new EventFeed(log, createCodec({ limits: defaultLimits }))
  const escalation = startEscalation({ log, codec: createCodec({ limits: defaultLimits }), logger, registry: new Registry() })
  const inbox = createInboxServer(escalation, { logger, registry: new Registry() })
  const store = new MemoryStore()
  const projector = startProjector({ log, feed, store, projections: shippedProjections, logger, registry })
  const server = createProjectorServer(projector, registry, logger)
  const operations = createOperationsServer({ registry: new Registry(), notReady: () => null }, logger)
  const listening = [await server.listen(address), await inbox.listen(address), await operations.listen(address)] as const
  return {
    urls: {
      gateway: shop.url,
      projector: listening[0],
      inbox: listening[1],
      operations: listening[2],
    },
    reads: { gateway: '/v1/status', projector: '/v1/projections', inbox: '/v1/inbox', operations: '/livez' },
    open: { gateway: shop.signalbox.gateway.server, projector: server, inbox },
    async close() {
      await operations.close()
      await inbox.close()
      await escalation.stop()
      await server.close()
      await projector.stop()
      await feed.close()
      await log.close()
      await shop.close()
    },
  }
}
