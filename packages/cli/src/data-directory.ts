/** What lies in a data directory beside the log: by which config it is decided, a backup, an unfinished restore. */
import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { FileError, makeFolder, readJsonFile, replaceFile } from '@signalbox/files'
import { z } from 'zod'
import { CommandError } from './exit-codes.ts'
import { say } from './output.ts'

export const remembered = 'settings.json'
const rememberedSchema = z.looseObject({ config: z.string() })

/** Where a restore works until it is proved. */
export const restoringFolder = 'restoring'

/** Notes beside the log by which config it is decided. */
export function rememberConfig(dataDirectory: string, configFile: string): void {
  makeFolder(dataDirectory)
  replaceFile(join(dataDirectory, remembered), `${JSON.stringify({ config: relative(dataDirectory, configFile) })}\n`)
}

const storeNote = 'projections.json'
const storeSchema = z.looseObject({ store: z.enum(['sqlite', 'postgres']) })

/** Notes beside read models, where there is such a folder, in which store they are kept from now on. */
export function rememberStore(dataDirectory: string, store: 'sqlite' | 'postgres'): void {
  if (existsSync(dataDirectory)) replaceFile(join(dataDirectory, storeNote), `${JSON.stringify({ store })}\n`)
}

/** Null where nothing is noted, or nothing that can be read. */
export function rememberedStore(dataDirectory: string): 'sqlite' | 'postgres' | null {
  const file = join(dataDirectory, storeNote)
  if (!existsSync(file)) return null
  try {
    return storeSchema.safeParse(readJsonFile(file, 'signalbox up writes it anew.')).data?.store ?? null
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    say(error.message)
    return null
  }
}

/** The config that a log remembers; null where it remembers none, or one that is gone. */
export async function rememberedConfig(dataDirectory: string): Promise<string | null> {
  const directory = await folderToRead(dataDirectory)
  const file = join(directory, remembered)
  if (!existsSync(file)) return null
  const next = 'It is passed over: name the config with --config; signalbox up writes the file anew.'
  try {
    const read = rememberedSchema.safeParse(readJsonFile(file, next))
    if (!read.success) throw new FileError(`${file} names no config. ${next}`)
    const config = resolve(directory, read.data.config)
    return existsSync(config) ? config : null
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    say(error.message)
    return null
  }
}

/** The folder in which the log lies: another than the one that is named, where that is a backup. */
export async function folderToRead(dataDirectory: string): Promise<string> {
  if (existsSync(join(dataDirectory, 'log.db')) || !existsSync(join(dataDirectory, 'backup.json'))) return dataDirectory
  const { BackupError, readManifest } = await import('@signalbox/backup')
  try {
    const manifest = readManifest(dataDirectory)
    return manifest?.log === 'sqlite' ? join(dataDirectory, manifest.folder) : dataDirectory
  } catch (cause) {
    if (cause instanceof BackupError) throw new CommandError('usage', cause.message, { cause })
    throw cause
  }
}

/** Throws CommandError (usage) for a directory whose log nobody may write to. */
export function refuseToOwn(dataDirectory: string): void {
  if (existsSync(join(dataDirectory, 'backup.json')))
    throw new CommandError(
      'usage',
      `${dataDirectory} is a backup, which nobody may write to; put it into a directory of its own: signalbox restore ${dataDirectory} --data-dir NEW`,
    )
  if (existsSync(join(dataDirectory, restoringFolder)) && !existsSync(join(dataDirectory, 'log.db')))
    throw new CommandError(
      'usage',
      `a restore into ${dataDirectory} was cut off; run signalbox restore again with the same --data-dir, or remove ${restoringFolder} there to begin an empty log`,
    )
}
