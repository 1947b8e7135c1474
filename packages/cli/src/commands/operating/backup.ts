/** `signalbox backup`: copies the log while it is in use. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { printOne } from '../../output.ts'
import { rememberConfig, type Settings } from '../../settings.ts'
import { type EmbeddedManifest, type Manifest, readManifest, writeManifest } from './manifest.ts'
import { percentTo } from './progress.ts'

export async function backup(settings: Settings, name: string): Promise<number> {
  const directory = resolve(name)
  const before = earlierBackup(directory, settings.log)
  mkdirSync(directory, { recursive: true })
  if (settings.log === 'sqlite') return await backupEmbedded(settings, directory)
  throw new CommandError('usage', `a backup of ${settings.log} to ${directory} (${before?.log}) is not there yet`)
}

/** A directory with anything else in it is left alone. Throws CommandError (usage). */
function earlierBackup(directory: string, log: Settings['log']): Manifest | null {
  if (!existsSync(directory)) return null
  const manifest = readManifest(directory)
  if (manifest === null) {
    const found = readdirSync(directory).filter((each) => !each.endsWith('.part'))
    if (found.length > 0)
      throw new CommandError(
        'usage',
        `${directory} is not empty, and holds no backup (${found.slice(0, 3).join(', ')}); name another directory`,
      )
  } else if (manifest.log !== log)
    throw new CommandError('usage', `${directory} holds a backup of a ${manifest.log} log, and this one is ${log}; name another directory`)
  return manifest
}

async function backupEmbedded(settings: Settings, directory: string): Promise<number> {
  const { configFile, dataDirectory } = settings
  const inside = relative(dataDirectory, directory)
  if (inside === '' || (!inside.startsWith('..') && !inside.includes(':')))
    throw new CommandError(
      'usage',
      `${directory} lies in the data directory itself; a copy there goes when it goes, so name another directory`,
    )
  const { copySqliteLog } = await import('@signalbox/log-sqlite')
  const takenAt = new Date().toISOString()
  const copied = await copySqliteLog({ from: dataDirectory, to: directory, progress: percentTo('copied') })
  if (configFile !== null) rememberConfig(directory, configFile)
  const manifest: EmbeddedManifest = { format: 'signalbox-backup/1', log: 'sqlite', takenAt, ...copied, ends: mutable(copied.ends) }
  writeManifest(directory, manifest)
  printOne(settings.output, { directory, ...manifest }, () => {
    return `${manifest.records} records, ${manifest.bytes} bytes, as of ${takenAt}, in ${directory}\nput it back with: signalbox restore ${directory} --data-dir NEW`
  })
  return exitCodes.ok
}

function mutable(ends: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(ends).map(([topic, each]) => [topic, [...each]]))
}
