/** Opens the log that the settings name: as its owner, or for reading. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { isLogError, type Log, type LogReader } from '@signalbox/log'
import type { Source } from '@signalbox/replay'
import { CommandError } from './exit-codes.ts'
import type { Settings } from './settings.ts'

export async function openLog(settings: Pick<Settings, 'log' | 'brokers' | 'dataDirectory' | 'config'>): Promise<Log> {
  if (settings.log === 'kafka') {
    // Loaded only where it is wanted: an embedded Signalbox starts without a Kafka client.
    const { openKafkaLog } = await import('@signalbox/log-kafka')
    return await openKafkaLog({ brokers: settings.brokers! })
  }
  const { openSqliteLog } = await import('@signalbox/log-sqlite')
  const { partitions } = settings.config ?? {}
  return await openSqliteLog({ directory: settings.dataDirectory, ...(partitions === undefined ? {} : { partitionCount: partitions }) })
}

export async function openReader(settings: Settings): Promise<LogReader> {
  if (settings.log === 'kafka') {
    const { openKafkaLog } = await import('@signalbox/log-kafka')
    return await openKafkaLog({ brokers: settings.brokers! })
  }
  const { openSqliteLogReader } = await import('@signalbox/log-sqlite')
  try {
    return await openSqliteLogReader({ directory: settings.dataDirectory })
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
  const log = await openReader(settings)
  try {
    return await ask({ log, codec: createCodec({ limits: defaultLimits }), limits: defaultLimits })
  } finally {
    await log.close()
  }
}
