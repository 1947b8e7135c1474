/** `signalbox generation ...`: whether a log is closed, where it was before, and moving it to other topics, of which there may be more. */
import { defaultLimits, generationResource, type Status, systemScope } from '@signalbox/contract'
import type { Closed, Origin } from '@signalbox/core'
import { closeLog, GenerationError, OldLog, reopenLog, type Saying } from '@signalbox/generation'
import { isLogError, notEmpty, systemClock } from '@signalbox/log'
import { currentState } from '@signalbox/partition-state'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { hasKafka, kafkaConnection, openEngine, openTopics, withSource } from '../../logs.ts'
import { printMany, printOne } from '../../output.ts'
import { isoTime } from '../../render/decision.ts'
import type { Settings } from '../../settings.ts'
import { humanOf } from '../../user.ts'
import { decide, refuseOtherLog, required, withGateway } from '../gateway.ts'
import { seldom } from './progress.ts'

export interface GenerationFlags {
  readonly next?: string
  readonly reason?: string
  readonly by?: string
  readonly waitMs?: string
}

interface PartitionGeneration {
  readonly partition: number
  readonly closed: Closed | null
  readonly origin: Origin | null
}

export async function showGeneration(settings: Settings): Promise<number> {
  const partitions = await withSource(settings, async (source) => {
    const all: PartitionGeneration[] = []
    for (let partition = 0; partition < source.log.partitionCount; partition++) {
      const { coordination, origin } = await currentState(source, partition)
      all.push({ partition, closed: coordination.closed, origin })
    }
    return all
  })
  await printMany(settings.output, partitions, ({ closed, origin, partition }) => {
    const standing =
      closed === null ? 'open' : `closed by ${closed.by} at ${isoTime(closed.sinceMs)}, goes on as ${closed.next}: ${closed.reason}`
    return `${partition}  ${standing}${origin === null ? '' : `  (${originText(origin)})`}`
  })
  return exitCodes.ok
}

function originText({ begins, generation, isWhole, partitions }: Origin): string {
  if (!isWhole) return `half carried over from ${generation}: delete these topics, and move it again`
  return `carried over from ${generation} with ${partitions} partitions; intents began at ${begins.at(-1)}`
}

/** From then on nothing is decided. What moves a log does it itself; before a restore elsewhere, somebody must. */
export async function closeGeneration(settings: Settings, flags: GenerationFlags): Promise<number> {
  const next = required('--next', flags.next, 'every agent that is turned away is told where the log goes on')
  const reason = required('--reason', flags.reason, 'it stays in the log, and every agent that is turned away is told')
  if (settings.log !== 'kafka') return await sayThere(settings, 'close', { next, reason }, flags)
  await withOld(settings, flags, reason, async (saying) => await closeLog(saying, next))
  printOne(settings.output, { closed: true, next }, () => `closed: nothing more is decided here; it goes on as ${next}`)
  return exitCodes.ok
}

export async function reopenGeneration(settings: Settings, flags: GenerationFlags): Promise<number> {
  const reason = required('--reason', flags.reason, 'it stays in the log')
  if (settings.log !== 'kafka') return await sayThere(settings, 'reopen', { reason }, flags)
  await withOld(settings, flags, reason, async (saying) => {
    const { topicPrefix } = await kafkaConnection()
    const nexts = new Set(saying.old.states.flatMap(({ coordination }) => coordination.closed?.next ?? []))
    // One that was restored is closed because it goes on right here.
    for (const next of nexts) if (next !== topicPrefix) await refuseIfUsed(next)
    await reopenLog(saying)
  })
  printOne(settings.output, { closed: false }, () => 'open: intents are decided here again')
  return exitCodes.ok
}

/** What was carried over there could be decided there, and here again. */
async function refuseIfUsed(next: string): Promise<void> {
  const found = await openTopics(next).then(
    async ({ log }) => await notEmpty(log).finally(() => log.close()),
    (error: unknown) => {
      // There are no such topics.
      if (isLogError(error, 'MISCONFIGURED')) return null
      throw error
    },
  )
  if (found === null) return
  throw new CommandError(
    'usage',
    `${next} holds records already (${found.topic}/${found.partition} ends at ${found.end}); if this log was opened again, both would decide the same. Delete the topics of ${next} first, if nobody has used them`,
  )
}

async function withOld(settings: Settings, flags: GenerationFlags, reason: string, run: (saying: Saying) => Promise<void>): Promise<void> {
  const { codec, log } = await openEngine(settings)
  const aborted = new AbortController()
  try {
    const old = await OldLog.open({
      log,
      codec,
      limits: defaultLimits,
      reactions: [],
      clock: systemClock,
      signal: aborted.signal,
      progress: telling(),
    })
    try {
      await explained(() => run({ log, codec, old, clock: systemClock, by: humanOf(flags.by), reason, waitMs: waitOf(flags) }))
    } finally {
      await old.close()
    }
  } finally {
    aborted.abort('over')
    await log.close()
  }
}

/** The embedded log has one owner: what it is to decide goes to its gateway. */
async function sayThere(
  settings: Settings,
  action: 'close' | 'reopen',
  input: { reason: string; next?: string },
  flags: GenerationFlags,
): Promise<number> {
  const agent = humanOf(flags.by)
  const refused = await withGateway(settings, async (gateway) => {
    await refuseOtherLog(gateway, settings)
    const { partitions } = (await gateway.request('GET', '/v1/status', 0)).body as Status
    if (action === 'reopen' && hasKafka())
      for (const next of new Set(partitions.flatMap(({ closed }) => closed ?? []))) await refuseIfUsed(next)
    for (const { partition } of partitions) {
      const scope = systemScope(partition, partitions.length)
      const [found] = (await gateway.observe(scope, [generationResource]))!.resources
      if ((found!.state === 'closed') === (action === 'close')) continue
      if (!found!.exists && action === 'reopen') continue
      const decision = await decide(gateway, { scope, agent, resource: generationResource, action, input })
      if (!decision.committed) return `partition ${partition}: ${decision.code}: ${decision.message}`
    }
    return null
  })
  if (refused !== null) throw new CommandError('rejected', refused)
  printOne(settings.output, { closed: action === 'close', next: input.next ?? null }, () =>
    action === 'close' ? `closed: nothing more is decided here; it goes on as ${input.next}` : 'open: intents are decided here again',
  )
  return exitCodes.ok
}

/** Says now and then how much was read. */
export function telling() {
  const tell = seldom()
  return ({ events, partition }: { partition: number; events: number }) => tell(() => `partition ${partition}: ${events} events read`)
}

export function waitOf({ waitMs = '30000' }: GenerationFlags): number {
  if (!/^[1-9]\d{0,7}$/.test(waitMs)) throw new CommandError('usage', `--wait-ms takes whole milliseconds, not ${waitMs}`)
  return Number(waitMs)
}

export async function explained<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (cause) {
    if (cause instanceof GenerationError) throw new CommandError('usage', cause.message, { cause })
    throw cause
  }
}
