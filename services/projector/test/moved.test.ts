/** A projector of a log that was moved, before its store has gone on. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { shippedProjections } from '@signalbox/projection/shipped'
import { HistoryFeed } from '@signalbox/projection-host'
import { MemoryStore } from '@signalbox/projection-store'
import { createProjectorServer, startProjector } from '@signalbox/projector'
import pino from 'pino'
import { Registry } from 'prom-client'
import { expect, it, vi } from 'vitest'

const codec = createCodec({ limits: defaultLimits })
const logger = pino({ level: 'silent' })

it('takes no position of the log before for one of the log, while another process is about to go on', async () => {
  const log = createMemoryLog({ store: new MemoryLogStore({ partitionCount: 3 }) })
  const old = createMemoryLog({ store: new MemoryLogStore({ partitionCount: 2 }) })
  const store = new MemoryStore()
  const resources = shippedProjections.find(({ name }) => name === 'resources')!
  // The projector of the old topics still owns it.
  const owner = (await store.own('resources', resources.version))!
  await owner.createGeneration({
    version: resources.version,
    fingerprint: '',
    tables: ['resources'],
    partitionCount: 2,
    reactFrom: [-1, -1],
  })
  const position = { logOffset: 1_000, chainOffset: 1_000, link: null }
  await owner.commit({ generation: 1, partition: 0, fromOffset: 0, position, mutations: [], parked: [] })
  const registry = new Registry()
  const feed = new HistoryFeed([
    { name: 'new', log, codec },
    { name: 'old', log: old, codec },
  ])
  const projector = startProjector({ log, feed, store, projections: [resources], logger, registry })
  const server = createProjectorServer(projector, registry, logger)
  try {
    // The log has events up to there by now; this projector has folded none of them.
    vi.spyOn(feed, 'ends').mockResolvedValue([500, 0, 0, 1_000, 0])
    const { statusCode } = await server.app.inject('/v1/projections/resources/tables/resources/rows?atLeast=0:500&waitMs=100')
    expect(statusCode).toBe(202)
  } finally {
    await server.close()
    await projector.stop()
    await feed.close()
    await Promise.all([log.close(), old.close()])
  }
})
