/** `signalbox backup`: copies the log while it is in use. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { type EmbeddedManifest, type Manifest, readManifest, type TopicsManifest, takeBackup, writeManifest } from '@signalbox/backup'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { openToRead } from '../../logs.ts'
import { printOne, say } from '../../output.ts'
import { rememberConfig, type Settings } from '../../settings.ts'
import { backupErrors } from './errors.ts'
import { percentTo, seldom } from './progress.ts'

export async function backup(settings: Settings, name: string): Promise<number> {
  const directory = resolve(name)
  return await backupErrors(async () => {
    const before = earlierBackup(directory, settings.log)
    mkdirSync(directory, { recursive: true })
    if (settings.log === 'sqlite') return await backupEmbedded(settings, directory)
    return await backupTopics(settings, directory, before?.log === 'kafka' ? before : null)
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
