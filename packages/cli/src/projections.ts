/** The projections that the settings name, and the store that their rows are in. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Codec, createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { isLogError, type LogReader } from '@signalbox/log'
import { type Projection, ProjectionError } from '@signalbox/projection'
import { shippedProjections } from '@signalbox/projection/shipped'
import { EventFeed, type Feed, type HistoricLog, HistoryFeed, predecessorOf } from '@signalbox/projection-host'
import { openPostgresStore } from '@signalbox/projection-postgres'
import { openSqliteStore } from '@signalbox/projection-sqlite'
import type { ProjectionStore } from '@signalbox/projection-store'
import { rememberedStore } from './data-directory.ts'
import { type Environment, environment } from './environment.ts'
import { CommandError } from './exit-codes.ts'
import { kafkaConnection, openTopics } from './logs.ts'
import { embeddedPlace, isEmbeddedPlace } from './places.ts'
import type { Settings } from './settings.ts'

export const defaultProjectorUrl = 'http://127.0.0.1:7075'

/** Those of the config, behind the shipped ones. Throws CommandError (usage) for one that is none, or a name that is taken. */
export function projectionsOf({ config, configFile }: Settings): readonly Projection[] {
  const wanted = config?.projector?.shipped
  const unknown = wanted?.find((name) => !shippedProjections.some((each) => each.name === name))
  if (unknown !== undefined) {
    const names = shippedProjections.map(({ name }) => name).join(', ')
    throw new CommandError('usage', `${configFile}: projector.shipped names ${unknown}, which is not shipped; there are ${names}`)
  }
  const shipped = wanted === undefined ? shippedProjections : shippedProjections.filter(({ name }) => wanted.includes(name))
  const own = (config?.projections ?? []) as readonly Projection[]
  for (const each of own) {
    if (typeof each?.name !== 'string' || typeof each.maxParked !== 'number' || typeof each.on !== 'object')
      throw new CommandError('usage', `${configFile}: projections must be made by defineProjection of @signalbox/projection`)
    if (shipped.some(({ name }) => name === each.name) || own.filter(({ name }) => name === each.name).length > 1)
      throw new CommandError(
        'usage',
        `${configFile}: two projections are named ${each.name}; give one another name, or leave the shipped one out of projector.shipped`,
      )
  }
  return [...shipped, ...own]
}

/** Throws CommandError (usage) where there is none of that name. */
export function projectionNamed(settings: Settings, name: string): Projection {
  const all = projectionsOf(settings)
  const found = all.find((each) => each.name === name)
  if (found !== undefined) return found
  throw new CommandError(
    'notFound',
    `there is no projection ${name}; there are ${all.map((each) => each.name).join(', ')} (projections in signalbox.config.ts adds yours)`,
  )
}

/** What the environment says of the store: an address, or that it is SQLite. */
function storeOf({ config }: Settings, variables: Environment): string {
  const given = variables.SIGNALBOX_PROJECTOR_STORE ?? readSecret(variables.SIGNALBOX_PROJECTOR_STORE_FILE)
  if (given !== undefined && given !== '') return given
  return config?.projector?.store ?? 'sqlite'
}

/** The kind of store that the settings name. */
export function storeKind(settings: Settings): 'sqlite' | 'postgres' {
  return storeOf(settings, environment()) === 'sqlite' ? 'sqlite' : 'postgres'
}

/** What projections are folded from. */
export interface OpenFeed {
  readonly feed: Feed
  /** Of the feed, and of the logs that were opened for it. */
  close(): Promise<void>
}

/**
 * The events of the log, and of those that it goes on from where the settings want them. Throws CommandError (usage) where one of
 * those is gone.
 */
export async function openFeed(settings: Settings, { codec, log }: { readonly log: LogReader; readonly codec: Codec }): Promise<OpenFeed> {
  if (settings.log !== 'kafka' || settings.file !== null || !isHistoryWanted(settings, environment())) {
    const feed = new EventFeed(log, codec)
    return { feed, close: () => feed.close() }
  }
  const { topicPrefix } = await kafkaConnection()
  const logs: HistoricLog[] = [{ name: topicPrefix, log, codec }]
  const closeOlder = async () => {
    await Promise.allSettled(logs.slice(1).map((older) => older.log.close()))
  }
  try {
    for (let oldest = logs[0]!; ; oldest = logs.at(-1)!) {
      const name = await predecessorOf(oldest.log, oldest.codec)
      if (name === null) break
      if (logs.some((known) => known.name === name)) throw gone(name, 'others have their name by now')
      logs.push({ name, ...(await openBefore(settings, name)) })
    }
  } catch (error) {
    await closeOlder()
    throw error
  }
  const feed = new HistoryFeed(logs)
  return {
    feed,
    async close() {
      await feed.close()
      await closeOlder()
    },
  }
}

async function openBefore({ dataDirectory }: Settings, name: string) {
  if (isEmbeddedPlace(name)) return await openEmbeddedBefore(dataDirectory, name)
  try {
    return await openTopics(name)
  } catch (cause) {
    if (!isLogError(cause, 'MISCONFIGURED')) throw cause
    throw gone(name, cause.message, cause)
  }
}

async function openEmbeddedBefore(dataDirectory: string, name: string) {
  if (name !== embeddedPlace(dataDirectory)) throw gone(name, `--data-dir names ${dataDirectory}`)
  try {
    const { openSqliteLogReader } = await import('@signalbox/log-sqlite')
    return { log: await openSqliteLogReader({ directory: dataDirectory }), codec: createCodec({ limits: defaultLimits }) }
  } catch (cause) {
    if (!isLogError(cause, 'MISCONFIGURED')) throw cause
    throw gone(name, cause.message, cause)
  }
}

function gone(name: string, why: string, cause?: unknown): CommandError {
  return new CommandError(
    'usage',
    `read models go back to ${name}, from where this log was moved, and it cannot be read: ${why}. Keep a log for as long as projector.history is to read it; or switch that off, and name another store`,
    { cause },
  )
}

function isHistoryWanted({ config }: Settings, variables: Environment): boolean {
  const given = variables.SIGNALBOX_PROJECTOR_HISTORY
  if (given === undefined || given === '') return config?.projector?.history === true
  if (given === 'true' || given === 'false') return given === 'true'
  throw new CommandError('usage', `SIGNALBOX_PROJECTOR_HISTORY takes true or false, not ${given}`)
}

function readSecret(file: string | undefined): string | undefined {
  if (file === undefined || file === '') return undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new CommandError('usage', `SIGNALBOX_PROJECTOR_STORE_FILE: ${(cause as Error).message}; name a file with the address in it`, {
      cause,
    })
  }
}

export interface StoreOptions {
  readonly mustExist?: boolean
  readonly variables?: Environment
  /** Of who owns projections: told that a damaged file was set aside, to be built anew. */
  readonly setAside?: (message: string) => void
}

/**
 * Opens the store. `mustExist`: to read only, where nothing was ever kept is an error. Throws CommandError; the address of a
 * PostgreSQL is in no message.
 */
export async function openProjectionStore(
  settings: Settings,
  { variables = environment(), mustExist = false, setAside }: StoreOptions = {},
): Promise<ProjectionStore> {
  const store = storeOf(settings, variables)
  try {
    if (store === 'sqlite') return openSqlite(settings, mustExist, setAside)
    if (/^postgres(ql)?:\/\//.test(store)) {
      const schema = settings.config?.projector?.schema
      return await openPostgresStore({ url: store, ...(schema === undefined ? {} : { schema }) })
    }
  } catch (error) {
    if (error instanceof ProjectionError)
      throw new CommandError(error.code === 'MISCONFIGURED' ? 'usage' : 'unreachable', error.message, { cause: error })
    throw error
  }
  throw new CommandError(
    'usage',
    store === 'postgres'
      ? 'the projections are in PostgreSQL; set SIGNALBOX_PROJECTOR_STORE=postgres://USER:PASSWORD@HOST:PORT/DATABASE, or SIGNALBOX_PROJECTOR_STORE_FILE to a file with that'
      : 'SIGNALBOX_PROJECTOR_STORE takes sqlite or postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  )
}

function openSqlite({ dataDirectory }: Settings, mustExist: boolean, setAside: StoreOptions['setAside']): ProjectionStore {
  if (mustExist && rememberedStore(dataDirectory) === 'postgres')
    throw new CommandError(
      'usage',
      `the read models of ${dataDirectory} are kept in PostgreSQL by whoever runs signalbox up or a projector there, and the SQLite file is of before; set SIGNALBOX_PROJECTOR_STORE (or SIGNALBOX_PROJECTOR_STORE_FILE) as it is set for them`,
    )
  if (mustExist && !existsSync(join(dataDirectory, 'projections.db'))) {
    throw new CommandError(
      'notFound',
      `there are no projections in ${dataDirectory} yet; signalbox up makes them (--data-dir, or SIGNALBOX_DATA_DIR), in the store that SIGNALBOX_PROJECTOR_STORE names for it`,
    )
  }
  return openSqliteStore({ directory: dataDirectory, toRead: mustExist, ...(setAside === undefined ? {} : { setAside }) })
}
