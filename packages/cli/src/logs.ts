/** Opens the log that the settings name: as its owner, or for reading. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Codec, confluentFraming, createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { partitionsOfLog } from '@signalbox/event-log'
import { isLogError, type Log, type LogReader, type SnapshotStore } from '@signalbox/log'
import type { KafkaLogOptions } from '@signalbox/log-kafka'
import type { Source } from '@signalbox/partition-state'
import { ExportError, type ExportHeader, openExport } from '@signalbox/replay'
import type { Logger } from 'pino'
import { folderToRead, refuseToOwn } from './data-directory.ts'
import { type Environment, environment } from './environment.ts'
import { CommandError } from './exit-codes.ts'
import { say } from './output.ts'
import type { Settings } from './settings.ts'

/** A log, and the codec that its records are framed by. */
export interface Engine {
  readonly log: Log
  readonly codec: Codec
}

/** A log to read from. */
export interface Reading extends Source {
  readonly log: LogReader
  readonly codec: Codec
  readonly snapshots: SnapshotStore | null
  /** Of an exported log. */
  readonly header?: ExportHeader
}

export async function openLog(settings: Pick<Settings, 'log' | 'dataDirectory' | 'config'>): Promise<Log> {
  return (await openEngine(settings)).log
}

/** Opens the log to write to it. What the log's client has to say goes to `logger`. */
export async function openEngine(settings: Pick<Settings, 'log' | 'dataDirectory' | 'config'>, logger?: Logger): Promise<Engine> {
  if (settings.log === 'kafka') return await openKafka(logger)
  refuseToOwn(settings.dataDirectory)
  const { openSqliteLog } = await import('@signalbox/log-sqlite')
  const { partitions } = settings.config ?? {}
  const log = await openSqliteLog({
    directory: settings.dataDirectory,
    ...(partitions === undefined ? {} : { partitionCount: partitions }),
  })
  return { log, codec: createCodec({ limits: defaultLimits }) }
}

/** Whether the environment names brokers. */
export function hasKafka(): boolean {
  const { KAFKA_BOOTSTRAP_SERVERS, KAFKA_BROKERS } = environment()
  return (KAFKA_BROKERS ?? KAFKA_BOOTSTRAP_SERVERS) !== undefined
}

/** The connection of the environment, with its prefix. Throws CommandError (usage) where there is none. */
export async function kafkaConnection() {
  const { kafkaOptionsFromEnvironment } = await import('@signalbox/log-kafka')
  const { kafka } = kafkaOptionsFromEnvironment(environment())
  if (kafka === undefined)
    throw new CommandError('usage', 'the log is Kafka, and KAFKA_BROKERS is not set; set it to HOST:PORT of your brokers')
  return { ...kafka, topicPrefix: kafka.topicPrefix ?? 'signalbox' }
}

/** Opens the topics of another prefix, on the cluster of the environment. */
export async function openTopics(topicPrefix: string): Promise<Engine> {
  return await openKafka(undefined, topicPrefix)
}

async function openKafka(logger: Logger | undefined, topicPrefix?: string, toRead = false): Promise<Engine> {
  // Loaded only where it is wanted: an embedded Signalbox starts without a Kafka client.
  const { kafkaOptionsFromEnvironment, openKafkaLog, openSchemaRegistry } = await import('@signalbox/log-kafka')
  const { kafka, schemaRegistry, warnings } = kafkaOptionsFromEnvironment(environment())
  if (kafka === undefined)
    throw new CommandError('usage', 'the log is Kafka, and KAFKA_BROKERS is not set; set it to HOST:PORT of your brokers')
  for (const warning of warnings) say(warning)
  const prefix = topicPrefix === undefined ? {} : { topicPrefix }
  const framing = schemaRegistry === undefined ? undefined : confluentFraming(await openSchemaRegistry({ ...schemaRegistry, ...prefix }))
  const options = {
    ...kafka,
    ...prefix,
    ...sessionOptions(environment()),
    toRead,
    ...(logger === undefined
      ? {}
      : { onLogEntry: ({ detail, level, message }) => logger[level === 'error' ? 'warn' : 'debug']({ detail }, `kafkajs: ${message}`) }),
  } satisfies KafkaLogOptions
  const log = await withOwnPartitions(await openKafkaLog(options), async (partitions) => await openKafkaLog({ ...options, partitions }))
  return { log, codec: createCodec({ limits: defaultLimits, ...(framing === undefined ? {} : { framing }) }) }
}

/** Where somebody raised the count of all topics, the log has the partitions that its scopes were dealt over. */
async function withOwnPartitions(log: Log, openWith: (partitions: number) => Promise<Log>): Promise<Log> {
  let partitions: number
  try {
    partitions = await partitionsOfLog(log)
  } catch (error) {
    await log.close()
    throw error
  }
  if (partitions === log.partitionCount) return log
  await log.close()
  say(
    `somebody raised the topics from ${partitions} partitions to ${log.partitionCount}; the log goes on with ${partitions}. See docs/operating.md, Partitions that somebody added`,
  )
  return await openWith(partitions)
}

/** How soon a sequencer that is silent loses its partitions; both have defaults. */
function sessionOptions(variables: Environment): { sessionTimeoutMs?: number; heartbeatIntervalMs?: number } {
  const read = (name: string) => {
    const text = variables[name]
    if (text === undefined) return undefined
    const value = Number(text)
    if (!Number.isInteger(value) || value < 1) throw new CommandError('usage', `${name} takes a whole number of milliseconds, not ${text}`)
    return value
  }
  const sessionTimeoutMs = read('KAFKA_SESSION_TIMEOUT_MS')
  const heartbeatIntervalMs = read('KAFKA_HEARTBEAT_INTERVAL_MS')
  return {
    ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
    ...(heartbeatIntervalMs === undefined ? {} : { heartbeatIntervalMs }),
  }
}

/** The export that was imported into a data directory; null where there is none. */
export function exportedFile(dataDirectory: string): string | null {
  return ['export.jsonl.gz', 'export.jsonl'].map((name) => join(dataDirectory, name)).find((file) => existsSync(file)) ?? null
}

function importedFile(dataDirectory: string): string | null {
  return existsSync(join(dataDirectory, 'log.db')) ? null : exportedFile(dataDirectory)
}

async function openFile(file: string): Promise<Reading> {
  try {
    return { ...(await openExport(file)), snapshots: null }
  } catch (cause) {
    if (cause instanceof ExportError) throw new CommandError('usage', cause.message, { cause })
    throw cause
  }
}

/** Opens the log for reading alone, where its adapter can; Kafka's ACLs say what a principal may do. */
export async function openToRead(settings: Settings): Promise<Reading> {
  const dataDirectory =
    settings.log === 'sqlite' && settings.file === null ? await folderToRead(settings.dataDirectory) : settings.dataDirectory
  const file = settings.file ?? (settings.log === 'sqlite' ? importedFile(dataDirectory) : null)
  if (file !== null) return await openFile(file)
  if (settings.log === 'kafka') {
    const { codec, log } = await openKafka(undefined, undefined, true)
    return { log, codec, snapshots: log.snapshots, limits: defaultLimits }
  }
  const { openSqliteLogReader } = await import('@signalbox/log-sqlite')
  try {
    return {
      log: await openSqliteLogReader({ directory: dataDirectory }),
      codec: createCodec({ limits: defaultLimits }),
      snapshots: null,
      limits: defaultLimits,
    }
  } catch (error) {
    if (isLogError(error, 'MISCONFIGURED'))
      throw new CommandError(
        'notFound',
        `${error.message} (--data-dir, or SIGNALBOX_DATA_DIR; npm run demo makes one in .signalbox/demo)`,
        { cause: error },
      )
    throw error
  }
}

/** Runs a question to the log and closes it. */
export async function withSource<Result>(settings: Settings, ask: (source: Source) => Promise<Result>): Promise<Result> {
  const source = await openToRead(settings)
  try {
    return await ask(source)
  } finally {
    await source.log.close()
  }
}
