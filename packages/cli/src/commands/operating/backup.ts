/** `signalbox backup`: copies the log while it is in use. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import {
  backupFormat,
  type EmbeddedManifest,
  type Manifest,
  readManifest,
  type TopicsManifest,
  takeBackup,
  writeManifest,
} from '@signalbox/backup'
import { isProcessAlive, makeFolder } from '@signalbox/files'
import { rememberConfig } from '../../data-directory.ts'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { openToRead } from '../../logs.ts'
import { printOne, say } from '../../output.ts'
import type { Settings } from '../../settings.ts'
import { backupErrors } from './errors.ts'
import { removeEmpty } from './leftovers.ts'
import { percentTo, seldom } from './progress.ts'

export async function backup(settings: Settings, name: string): Promise<number> {
  const directory = resolve(name)
  return await backupErrors(async () => {
    const before = earlierBackup(directory, settings.log)
    const made = makeFolder(directory)
    if (settings.log === 'kafka') return await backupTopics(settings, directory, before?.log === 'kafka' ? before : null)
    try {
      return await backupEmbedded(settings, directory, before?.log === 'sqlite' ? before : null)
    } catch (error) {
      if (made !== undefined) removeEmpty(directory, made)
      throw error
    }
  })
}

/** Adds to what is there already what came since. */
async function backupTopics(settings: Settings, directory: string, before: TopicsManifest | null): Promise<number> {
  const { log } = await openToRead(settings)
  try {
    const tell = seldom()
    const { added, manifest } = await takeBackup({
      log,
      directory,
      before,
      progress: ({ end, offset, partition, topic }) => tell(() => `${topic}/${partition}: offset ${offset} of ${end}`),
    })
    if (settings.configFile !== null) rememberConfig(directory, settings.configFile)
    const { segments, takenAt } = manifest
    const records = segments.reduce((total, segment) => total + segment.records, 0)
    printOne(settings.output, { directory, takenAt, records, added, files: segments.length }, () => {
      return `${records} records, ${added} of them new, in ${segments.length} files, as of ${takenAt}, in ${directory}`
    })
    say('intents that were not decided yet are not in it: their agents send them again, under the same ids')
    return exitCodes.ok
  } finally {
    await log.close()
  }
}

/** A directory with anything else in it is left alone; what a backup that was killed left may go. Throws CommandError (usage). */
function earlierBackup(directory: string, log: Settings['log']): Manifest | null {
  if (!existsSync(directory)) return null
  const manifest = readManifest(directory)
  if (manifest === null) {
    const found = readdirSync(directory).filter((each) => !isLeftover(each))
    if (found.length > 0)
      throw new CommandError(
        'usage',
        `${directory} is not empty, and holds no backup (${found.slice(0, 3).join(', ')}); name another directory`,
      )
  } else if (manifest.log !== log)
    throw new CommandError('usage', `${directory} holds a backup of a ${manifest.log} log, and this one is ${log}; name another directory`)
  return manifest
}

const copyName = /^copy-\d+-(\d+)$/

/** Of this release, and of those that wrote `log.db.part` beside `backup.json`. */
function isLeftover(name: string): boolean {
  return copyName.test(name) || name.endsWith('.part') || name.startsWith('log.db.part')
}

async function backupEmbedded(settings: Settings, directory: string, before: EmbeddedManifest | null): Promise<number> {
  const { configFile, dataDirectory } = settings
  const inside = relative(dataDirectory, directory)
  if (inside === '' || (!inside.startsWith('..') && !inside.includes(':')))
    throw new CommandError(
      'usage',
      `${directory} lies in the data directory itself; a copy there goes when it goes, so name another directory`,
    )
  const { copySqliteLog } = await import('@signalbox/log-sqlite')
  sweep(directory, before?.folder)
  const takenAt = new Date().toISOString()
  const folder = `copy-${Date.parse(takenAt)}-${process.pid}`
  const place = join(directory, folder)
  let manifest: EmbeddedManifest
  try {
    const copied = await copySqliteLog({ from: dataDirectory, to: place, progress: percentTo('copied') })
    if (configFile !== null) rememberConfig(place, configFile)
    manifest = { format: backupFormat, log: 'sqlite', takenAt, folder, ...copied, ends: mutable(copied.ends) }
    // From here on it is this copy that is restored, and not the one before.
    writeManifest(directory, manifest)
  } catch (error) {
    rmSync(place, { recursive: true, force: true })
    throw error
  }
  if (before !== null) removeCopy(directory, before)
  printOne(settings.output, { directory, ...manifest }, () => {
    return `${manifest.records} records, ${manifest.bytes} bytes, as of ${takenAt}, in ${directory}\nput it back with: signalbox restore ${directory} --data-dir NEW`
  })
  return exitCodes.ok
}

/** Removes what backups that were killed left. Throws CommandError (usage) where another backup is being taken. */
function sweep(directory: string, kept: string | undefined): void {
  for (const name of readdirSync(directory)) {
    if (name === kept || !(isLeftover(name) || (isOldLayout(name) && kept !== '.'))) continue
    const pid = Number(copyName.exec(name)?.[1] ?? process.pid)
    if (pid !== process.pid && isProcessAlive(pid))
      throw new CommandError(
        'usage',
        `process ${pid} takes a backup into ${directory}; wait for it. Where that process is no backup, remove ${name} there`,
      )
    rmSync(join(directory, name), { recursive: true, force: true })
  }
}

/** What was restored until now. */
function removeCopy(directory: string, { folder }: EmbeddedManifest): void {
  const names = folder === '.' ? readdirSync(directory).filter(isOldLayout) : [folder]
  for (const name of names) rmSync(join(directory, name), { recursive: true, force: true })
}

/** Earlier releases kept the copy beside `backup.json`. */
function isOldLayout(name: string): boolean {
  return name === 'log.db' || name === 'acknowledged' || name === 'settings.json'
}

function mutable(ends: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(ends).map(([topic, each]) => [topic, [...each]]))
}
