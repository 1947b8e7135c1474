/** The ingest as a process of its own. Each source is followed alone: each goes on where it was, whatever becomes of the others. */
import type { Source } from '@signalbox/contract'
import { createOperationsServer } from '@signalbox/http'
import { systemClock } from '@signalbox/log'
import type { RunningService, ServiceContext } from '@signalbox/service'
import { type IngestSettings, ingest, type Take } from './ingest.ts'

/** The topic of a source that is being followed. */
export interface Followed {
  /** Rejects when the process should end. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

interface Context extends ServiceContext, Pick<IngestSettings, 'protect'> {
  readonly sources: readonly Source[]
  /** Reads the source's topic from where it was left, and gives its records to `take`. */
  readonly follow: (source: Source, take: Take) => Promise<Followed>
}

export async function runIngest({ follow, sources, ...context }: Context): Promise<RunningService> {
  const { logger, registry } = context
  const settings = { ...context, clock: systemClock }
  const topics = await Promise.all(sources.map((source) => follow(source, ingest(source, settings))))
  const server = createOperationsServer({ registry, notReady: () => null }, logger)
  return {
    failed: Promise.race(topics.map(({ failed }) => failed)),
    listen: (where) => server.listen(where),
    async stop() {
      await server.close()
      await Promise.all(topics.map((topic) => topic.stop()))
    },
  }
}
