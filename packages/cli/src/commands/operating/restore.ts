/** `signalbox restore`: puts a backup into an empty place, and audits it there before it says that it is done. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type EmbeddedManifest, proveBackup, putBackup, readManifest, type TopicsManifest } from '@signalbox/backup'
import { defaultLimits } from '@signalbox/contract'
import { makeFolder, sync } from '@signalbox/files'
import { rememberConfig, remembered, restoringFolder as workplace } from '../../data-directory.ts'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { kafkaConnection, openEngine, openToRead } from '../../logs.ts'
import { printOne, say } from '../../output.ts'
import { type CommonFlags, readSettings, type Settings } from '../../settings.ts'
import { type AuditReport, auditSource, auditText } from '../audit.ts'
import { backupErrors } from './errors.ts'
import { removeEmpty } from './leftovers.ts'
import { percentTo, seldom } from './progress.ts'

export async function restore(settings: Settings, name: string, flags: CommonFlags): Promise<number> {
  const directory = resolve(name)
  const manifest = await backupErrors(async () => readManifest(directory))
  if (manifest === null) throw new CommandError('notFound', `there is no backup in ${directory}; signalbox backup ${name} takes one`)
  // By the contracts that are named here, else by those that the backup remembers.
  const config = settings.configFile === null ? await readSettings({ ...flags, dataDir: directory }) : settings
  const found = { ...settings, config: config.config, configFile: config.configFile }
  if (manifest.log === 'sqlite') return await restoreEmbedded(found, directory, manifest)
  return await backupErrors(() => restoreTopics(found, directory, manifest))
}

async function restoreTopics(settings: Settings, directory: string, manifest: TopicsManifest): Promise<number> {
  const { takenAt } = manifest
  if (takenAt === null)
    throw new CommandError(
      'usage',
      `no backup into ${directory} has ended yet; run signalbox backup ${directory} again, which goes on with it`,
    )
  if (settings.log !== 'kafka')
    throw new CommandError(
      'usage',
      `${directory} is a backup of a log on Kafka; set KAFKA_BROKERS, and KAFKA_TOPIC_PREFIX to that of new topics`,
    )
  const { openKafkaRestoreTarget } = await import('@signalbox/log-kafka')
  const { codec, log } = await openEngine(settings)
  try {
    const tell = seldom()
    const options = {
      directory,
      manifest,
      codec,
      progress: ({ partition, records, topic, what }: { what: string; topic: string; partition: number; records: number }) =>
        tell(() => `${what} ${records} records of ${topic}/${partition}`),
    }
    const proof = await proveBackup(options)
    say(`the backup is whole: ${proof.events} events; writing them`)
    const target = await openKafkaRestoreTarget(await kafkaConnection())
    try {
      await putBackup({ ...options, log, target, proof })
    } finally {
      await target.close()
    }
    say('everything is written; auditing it')
    const report = await auditSource(settings, { log, codec, snapshots: null, limits: defaultLimits })
    printOne(
      settings.output,
      { restored: report.clean, takenAt, events: proof.events, nextIntents: proof.nextIntents, audit: report },
      (shown) => {
        const verdict = report.clean
          ? `restored as of ${takenAt}: start sequencers and gateways on these topics`
          : 'do not use these topics: delete them'
        return `${auditText(shown.audit)}\n${verdict}`
      },
    )
    return report.clean ? exitCodes.ok : exitCodes.bug
  } finally {
    await log.close()
  }
}

async function restoreEmbedded(settings: Settings, from: string, manifest: EmbeddedManifest): Promise<number> {
  const { configFile, dataDirectory } = settings
  if (settings.log !== 'sqlite')
    throw new CommandError('usage', `${from} is a backup of an embedded log; restore it with --log sqlite --data-dir NEW`)
  refuseUnlessEmpty(dataDirectory)
  const made = makeFolder(dataDirectory)
  const place = join(dataDirectory, workplace)
  let isRestored = false
  try {
    rmSync(place, { recursive: true, force: true })
    mkdirSync(place)
    const { placeSqliteCopy } = await import('@signalbox/log-sqlite')
    const copy = { from: join(from, manifest.folder), to: place, sha256: manifest.sha256, progress: percentTo('restored') }
    const placed = await placeSqliteCopy(copy)
    say(`${placed.records} records are in place; auditing them`)
    const report = await auditAt(settings, place)
    if (!report.clean) {
      printOne(settings.output, { restored: false, audit: report }, (shown) => `${auditText(shown.audit)}\nnothing was restored`)
      return exitCodes.bug
    }
    if (configFile !== null) rememberConfig(dataDirectory, configFile)
    // One step: without the log the directory holds none. Its owner counts anew what is acknowledged.
    renameSync(join(place, 'log.db'), join(dataDirectory, 'log.db'))
    isRestored = true
    rmSync(place, { recursive: true })
    sync(dataDirectory)
    printOne(
      settings.output,
      { restored: true, dataDirectory, takenAt: manifest.takenAt, records: placed.records, audit: report },
      (shown) => {
        return `${auditText(shown.audit)}\nrestored as of ${manifest.takenAt}: signalbox up --data-dir ${dataDirectory}`
      },
    )
    return exitCodes.ok
  } finally {
    if (!isRestored) leaveNothing(dataDirectory, made)
  }
}

/** The directory as it was before the restore; one that was made for it goes, with the folders above it that were. */
function leaveNothing(directory: string, made: string | undefined): void {
  for (const each of [workplace, remembered]) rmSync(join(directory, each), { recursive: true, force: true })
  if (made !== undefined) removeEmpty(directory, made)
}

/** What an earlier restore left unfinished may go. Throws CommandError (usage). */
function refuseUnlessEmpty(directory: string): void {
  if (!existsSync(directory)) return
  const all = readdirSync(directory)
  const found = all.filter((each) => each !== workplace && !(all.includes(workplace) && each.startsWith(remembered)))
  if (found.length > 0)
    throw new CommandError(
      'usage',
      `${directory} is not empty (${found.slice(0, 3).join(', ')}); a restore overwrites nothing, so name a new directory with --data-dir`,
    )
}

async function auditAt(settings: Settings, dataDirectory: string): Promise<AuditReport> {
  const source = await openToRead({ ...settings, dataDirectory, file: null })
  try {
    return await auditSource(settings, source)
  } finally {
    await source.log.close()
  }
}
