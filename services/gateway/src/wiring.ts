/** Puts a gateway together: a read model that follows the log, the desk on it, and the server before it. */
import type { Codec } from '@signalbox/codec'
import type { Status } from '@signalbox/contract'
import type { Rules } from '@signalbox/core'
import type { HttpServer } from '@signalbox/http'
import { type Clock, isLogError, type Log, type LogTrouble, systemClock } from '@signalbox/log'
import { ReadModel } from '@signalbox/partition-state'
import type { PersonalData } from '@signalbox/personal'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { Desk } from './desk.ts'
import { createServer } from './server.ts'

export interface GatewayWiring {
  readonly log: Log
  readonly codec: Codec
  readonly rules: Rules
  readonly logger: Logger
  readonly registry: Registry
  readonly software: string
  readonly clock?: Clock
  /** Left out: personal data is refused. */
  readonly personal?: PersonalData | undefined
  /** The phase of a partition that a sequencer in this process owns; null where there is none. */
  readonly phase?: (partition: number) => string | null
  /** What others do to the log, as of the last look at it. */
  readonly troubles?: () => readonly LogTrouble[]
  /** Streams of events and moves at a time; further ones are told to come again. Default 1,000. */
  readonly maxStreams?: number | undefined
}

const defaultMaxStreams = 1_000

export interface Gateway {
  readonly desk: Desk
  readonly readModel: ReadModel
  readonly server: HttpServer
  /** Rejects when the process should end. */
  readonly failed: Promise<never>
  status(): Promise<Status>
  close(): Promise<void>
}

export async function startGateway(wiring: GatewayWiring): Promise<Gateway> {
  const { codec, log, logger, registry, rules, software } = wiring
  const clock = wiring.clock ?? systemClock
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const readModel = new ReadModel({ log, codec, limits: rules.limits, clock, failed: (error) => fail(error) })
  const desk = new Desk({ log, codec, rules, clock, readModel, personal: wiring.personal })
  let ready = false
  new Gauge({
    name: 'signalbox_gateway_waiting',
    help: 'Requests that wait for a decision.',
    registers: [registry],
    collect() {
      this.set(desk.waiting)
    },
  })
  new Gauge({
    name: 'signalbox_gateway_unreadable',
    help: '1 while some partition cannot be read, so that what the gateway knows grows old.',
    registers: [registry],
    collect() {
      this.set(readModel.trouble() === null ? 0 : 1)
    },
  })
  new Gauge({
    name: 'signalbox_log_refuses_appends',
    help: '1 while nothing can be appended to the log, as the clock has jumped; /readyz says why.',
    registers: [registry],
    collect() {
      this.set((log.trouble?.() ?? null) === null ? 0 : 1)
    },
  })
  const notReady = (): string | null => {
    if (!ready) return 'the read model is still being built from the event log; ask again in a moment'
    const trouble = readModel.trouble() ?? log.trouble?.() ?? null
    if (trouble !== null) return trouble
    const [found] = wiring.troubles?.() ?? []
    if (found !== undefined) return found.message
    for (let partition = 0; partition < log.partitionCount; partition++) {
      const phase = wiring.phase?.(partition) ?? null
      if (phase !== null && phase !== 'active') return `partition ${partition} is ${phase}; see the log of the sequencer`
    }
    return null
  }
  const status = () => readStatus(wiring, readModel, notReady() === null)
  const server = await createServer({
    desk,
    registry,
    logger,
    version: software.split(' ')[1] ?? software,
    notReady,
    status,
    intentBytes: rules.limits.intentBytes,
    maxStreams: wiring.maxStreams ?? defaultMaxStreams,
  })
  await readModel.start()
  ready = true
  return {
    desk,
    readModel,
    server,
    failed,
    status,
    async close() {
      await server.close()
      await desk.close()
      await readModel.close()
    },
  }
}

async function readStatus({ log, phase, rules, software, troubles }: GatewayWiring, readModel: ReadModel, ready: boolean): Promise<Status> {
  const partitions = await Promise.all(
    Array.from({ length: log.partitionCount }, async (_, partition) => {
      const [intents, events] = await Promise.all([log.offsets('intents', partition), log.offsets('events', partition)])
      const state = readModel.state(partition)
      return {
        partition,
        phase: phase?.(partition) ?? null,
        intentsEnd: intents.written,
        nextIntent: state.nextOffset,
        lag: Math.max(0, intents.written - state.nextOffset),
        eventsEnd: events.end,
        time: state.time,
        resources: state.size.resources,
        rememberedIds: state.size.ids,
        closed: state.coordination.closed?.next ?? null,
      }
    }),
  )
  return {
    software,
    deadLetters: await countLetters(log),
    log: log.name,
    logId: log.id,
    ready,
    partitions,
    troubles: (troubles?.() ?? []).map(({ sinceMs, ...trouble }) => ({ ...trouble, since: sinceMs })),
    contracts: rules.contracts.all.map(({ owner, type, version }) => ({ type, version, owner: { ...owner } })),
  }
}

const letterTopics = {
  escalation: 'dead-letters.escalation',
  projector: 'dead-letters.projector',
  reactions: 'dead-letters.reactions',
  ingest: 'dead-letters.ingest',
} as const

/** What consumers could not process. Where a topic cannot be asked, nothing is said of it: the rest of the answer is wanted then. */
async function countLetters(log: Log): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const [name, topic] of Object.entries(letterTopics)) {
    try {
      const ends = await Promise.all(Array.from({ length: log.partitionCount }, (_, partition) => log.offsets(topic, partition)))
      counts[name] = ends.reduce((sum, { end, start }) => sum + end - start, 0)
    } catch (error) {
      if (!isLogError(error)) throw error
    }
  }
  return counts
}
