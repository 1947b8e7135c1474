/** `signalbox generation move PREFIX`: from topics, or from an embedded log, to other topics. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { defaultLimits } from '@signalbox/contract'
import { type Moved, moveLog } from '@signalbox/generation'
import { systemClock } from '@signalbox/log'
import { type Sequencer, startSequencer } from '@signalbox/sequencer'
import { software } from '@signalbox/signalbox/version'
import { logLevel } from '../../environment.ts'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { type Engine, hasKafka, kafkaConnection, openEngine, openTopics } from '../../logs.ts'
import { printOne, say } from '../../output.ts'
import { embeddedPlace } from '../../places.ts'
import { agentsOf } from '../../rules.ts'
import { serviceLogger } from '../../service-logger.ts'
import { contractsOf, type Settings } from '../../settings.ts'
import { humanOf } from '../../user.ts'
import { type AuditReport, auditSource, auditText } from '../audit.ts'
import { required } from '../gateway.ts'
import { explained, type GenerationFlags, telling, waitOf } from './generation.ts'

const startPollMs = 20

/** What a log is moved from. */
interface Old extends Engine {
  readonly name: string
  /** Decides that it is closed, where nobody else can. */
  readonly sequencer: Sequencer | null
}

export async function moveGeneration(settings: Settings, next: string, flags: GenerationFlags): Promise<number> {
  const reason = required('--reason', flags.reason, 'it stays in the log, and every agent that is turned away is told')
  const connection = await connectionTo(settings, next)
  const { openKafkaRestoreTarget } = await import('@signalbox/log-kafka')
  const to = await openTopics(next)
  const target = await openKafkaRestoreTarget({ ...connection, topicPrefix: next })
  const aborted = new AbortController()
  let old: Old | undefined
  try {
    old = await openOld(settings)
    const moving = moveLog({
      from: old,
      to: { name: next, ...to, topics: target },
      limits: defaultLimits,
      reactions: settings.config?.reactions ?? [],
      maxDepth: agentsOf(settings).containment.maxDepth,
      clock: systemClock,
      by: humanOf(flags.by),
      reason,
      signal: aborted.signal,
      waitMs: waitOf(flags),
      progress: say,
      read: telling(),
    })
    const { sequencer } = old
    const moved = await explained(() => (sequencer === null ? moving : Promise.race([moving, sequencer.failed])))
    say('everything is carried over; auditing it')
    const report = await auditSource(settings, { ...to, snapshots: null, limits: defaultLimits })
    printOne(settings.output, { ...moved, audit: report }, (shown) => movedText(shown, shown.audit))
    return report.clean ? exitCodes.ok : exitCodes.bug
  } finally {
    aborted.abort('over')
    await old?.sequencer?.stop()
    await target.close()
    await Promise.all([old?.log.close(), to.log.close()])
  }
}

/** The cluster that it goes to. Throws CommandError (usage) where it would go nowhere else, or to none. */
async function connectionTo(settings: Settings, next: string) {
  if (settings.log === 'sqlite') {
    if (hasKafka()) return await kafkaConnection()
    throw new CommandError('usage', 'an embedded log is moved to Kafka; set KAFKA_BROKERS to HOST:PORT of your brokers')
  }
  const connection = await kafkaConnection()
  if (connection.topicPrefix !== next) return connection
  throw new CommandError(
    'usage',
    `the log lies under ${next}; name the prefix of other topics, made by KAFKA_TOPIC_PREFIX=NEW signalbox topics apply --partitions COUNT`,
  )
}

async function openOld(settings: Settings): Promise<Old> {
  if (settings.log === 'kafka') {
    const { topicPrefix } = await kafkaConnection()
    return { name: topicPrefix, ...(await openEngine(settings)), sequencer: null }
  }
  const { dataDirectory } = settings
  if (!existsSync(join(dataDirectory, 'log.db')))
    throw new CommandError('notFound', `there is no log in ${dataDirectory}; name its directory (--data-dir, or SIGNALBOX_DATA_DIR)`)
  const contracts = contractsOf(settings)
  const engine = await openEngine(settings)
  // It has one owner, and that is this process: nobody else could close it.
  const logger = serviceLogger(logLevel('warn'))
  const sequencer = await startSequencer({ ...engine, contracts, logger, software: `${software} generation move`, ...agentsOf(settings) })
  try {
    await untilActive(sequencer, engine.log.partitionCount)
  } catch (error) {
    await sequencer.stop()
    await engine.log.close()
    throw error
  }
  return { name: embeddedPlace(dataDirectory), ...engine, sequencer }
}

/** Throws CommandError (usage) where a partition cannot be decided, as by other contracts than those of the log. */
async function untilActive(sequencer: Sequencer, partitionCount: number): Promise<void> {
  for (;;) {
    const all = [...sequencer.phases()]
    const givenUp = all.find(([, phase]) => phase === 'given up')
    if (givenUp !== undefined)
      throw new CommandError('usage', `partition ${givenUp[0]} cannot be decided here, so not closed: what was said before this says why`)
    if (all.filter(([, phase]) => phase === 'active').length === partitionCount) return
    await Promise.race([sequencer.failed, new Promise((resolve) => setTimeout(resolve, startPollMs))])
  }
}

function movedText(moved: Moved, report: AuditReport): string {
  const { beginsAt, closedMs, deadLetters, followUps, from, fromPartitions, ids, pending, resources, sentAgain, to, toPartitions } = moved
  return [
    auditText(report),
    `${from} (${fromPartitions} partitions) goes on as ${to} (${toPartitions}): ${resources} resources, ${pending} pending intents, ${ids} ids, ${deadLetters} dead letters, ${followUps} follow-ups${sentAgain === 0 ? '' : `, ${sentAgain} intents of partitions that were added, sent again`}; closed for ${closedMs} ms; intents begin at ${beginsAt}`,
    report.clean
      ? `start everything with KAFKA_TOPIC_PREFIX=${to}`
      : 'do not use the new topics: delete them, and keep the old ones closed',
  ].join('\n')
}
