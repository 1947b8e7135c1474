/** The projections that the settings name, and the store that their rows are in. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  openPostgresStore,
  openSqliteStore,
  type Projection,
  ProjectionError,
  type ProjectionStore,
  shippedProjections,
} from '@signalbox/projection'
import { CommandError } from './exit-codes.ts'
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
function storeOf({ config }: Settings, environment: NodeJS.ProcessEnv): string {
  const given = environment.SIGNALBOX_PROJECTOR_STORE || readSecret(environment.SIGNALBOX_PROJECTOR_STORE_FILE)
  if (given !== undefined && given !== '') return given
  return config?.projector?.store ?? 'sqlite'
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

/**
 * Opens the store. `mustExist`: to read only, where nothing was ever kept is an error. Throws CommandError; the address of a
 * PostgreSQL is in no message.
 */
export async function openProjectionStore(
  settings: Settings,
  { mustExist = false, environment = process.env }: { readonly mustExist?: boolean; readonly environment?: NodeJS.ProcessEnv } = {},
): Promise<ProjectionStore> {
  const store = storeOf(settings, environment)
  try {
    if (store === 'sqlite') return openSqlite(settings, mustExist)
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

function openSqlite({ dataDirectory }: Settings, mustExist: boolean): ProjectionStore {
  if (mustExist && !existsSync(join(dataDirectory, 'projections.db'))) {
    throw new CommandError(
      'notFound',
      `there are no projections in ${dataDirectory} yet; signalbox up makes them (--data-dir, or SIGNALBOX_DATA_DIR)`,
    )
  }
  return openSqliteStore({ directory: dataDirectory })
}
