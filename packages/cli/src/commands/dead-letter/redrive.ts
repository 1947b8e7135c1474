/** `signalbox dead-letter redrive` */
import { readFileSync } from 'node:fs'
import { ClientError, type HttpCoordinator, newIntentId } from '@signalbox/client'
import { defaultLimits, type Intent, readIntentJson } from '@signalbox/contract'
import {
  type DeadLetter,
  type DeadLetters,
  isCutOff,
  NoIntentError,
  type RedriveDesk,
  RedriveRefusedError,
  type RedriveResult,
  redriveLetters,
} from '@signalbox/dead-letters'
import { withoutByteOrderMark } from '@signalbox/files'
import { systemClock } from '@signalbox/log'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { withSource } from '../../logs.ts'
import { printMany, say } from '../../output.ts'
import { resultLine } from '../../render/dead-letter.ts'
import { contractsOf, type Settings } from '../../settings.ts'
import { signalled } from '../../signals.ts'
import { humanOf } from '../../user.ts'
import { usage } from '../actions.ts'
import { gatewayOf, required, statusOfSameLog } from '../gateway.ts'
import { redriveElsewhere } from './elsewhere.ts'
import type { Redriving } from './redriving.ts'
import { lettersOf, type SelectionFlags, selectedLetters } from './selection.ts'

export interface RedriveFlags extends SelectionFlags {
  readonly reason?: string
  readonly by?: string
  readonly batch?: string
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly fresh?: boolean
  readonly goOn?: boolean
  readonly edit?: string
  readonly rate?: string
}

const defaultPerSecond = 10
const mostPerSecond = 10_000
/** Scopes at a time: as many as the client has connections. */
const lanesAtOnce = 16
const progressMs = 1_000
/** A page of lines; of more, only what went wrong is listed. */
const mostLines = 40

export async function redriveDeadLetters(settings: Settings, ids: readonly string[], flags: RedriveFlags): Promise<number> {
  const isDryRun = flags.dryRun === true || flags.yes !== true
  const perSecond = rateOf(flags.rate)
  if (settings.file !== null) throw new CommandError('usage', '--file is an export, and what is redriven lies in the log; leave it out')
  const reason = isDryRun ? (flags.reason ?? 'a dry run') : required('--reason', flags.reason, 'it stays in the log, with every intent')
  const edited = flags.edit === undefined ? null : editedIntent(flags.edit)
  const stop = new AbortController()
  const gateway = gatewayOf(settings, 3)
  try {
    return await withSource(settings, async (source) => {
      const letters = await lettersOf(settings, source)
      const selected = selectedLetters(letters, ids, flags, (letter) => letter.standing.state === 'open' || isCutOff(letter))
      if (edited !== null && (selected.length !== 1 || selected[0]!.topic !== 'intents'))
        throw new CommandError(
          'usage',
          `--edit is what one dead letter of an intent is redriven as; ${selected.length} letters are selected`,
        )
      const progress = new Progress(selected.length, isDryRun)
      const redriving: Redriving = {
        settings,
        gateway,
        partitionCount: await sameContracts(gateway, settings, source.log.id),
        by: humanOf(flags.by),
        reason,
        batch: flags.batch ?? null,
        isDryRun,
        perSecond,
        signal: stop.signal,
        done: (result) => progress.take(result),
      }
      if (!isDryRun) void signalled().then(() => stopped(stop))
      const { error, results } = await redriveAll(redriving, letters, selected, edited, flags)
      await report(settings, results, isDryRun)
      if (error instanceof RedriveRefusedError) throw new CommandError('rejected', error.message, { cause: error })
      if (error !== null) throw error
      return exitCodeOf(results, isDryRun)
    })
  } finally {
    await gateway.close()
  }
}

/** Gives the number of partitions. Throws CommandError (usage) where intents would be made for another log, or for other contracts than those that decide. */
async function sameContracts(gateway: HttpCoordinator, settings: Settings, logId: string): Promise<number> {
  const { contracts, partitions } = await statusOfSameLog(gateway, settings, logId)
  const here = settings.config === null ? null : contractsOf(settings)
  const other = contracts.find(({ type, version }) => here !== null && here.get(type)?.version !== version)
  if (other === undefined) return partitions.length
  const { type, version } = other
  const newest = here!.get(type)
  throw new CommandError(
    'usage',
    `the gateway decides by ${type}@${version}, and the config has ${newest === undefined ? `no ${type}` : `${type}@${newest.version}`}; let both have the same contracts before you redrive (--config)`,
  )
}

function stopped(stop: AbortController): void {
  say('stopping: what is under way is brought to its end (again to end at once)')
  stop.abort()
}

async function redriveAll(
  redriving: Redriving,
  letters: DeadLetters,
  selected: readonly DeadLetter[],
  edited: Intent | null,
  flags: RedriveFlags,
): Promise<{ readonly results: readonly RedriveResult[]; readonly error: unknown }> {
  const { gateway, isDryRun, settings, ...common } = redriving
  const intents = selected.filter(({ topic }) => topic === 'intents')
  const others = selected.filter(({ topic }) => topic !== 'intents')
  const run =
    intents.length === 0
      ? { results: [], error: null }
      : await redriveLetters(
          {
            ...common,
            letters,
            desk: deskOf(gateway),
            contracts: contractsOf(settings),
            limits: defaultLimits,
            fresh: flags.fresh === true,
            dryRun: isDryRun,
            goOn: flags.goOn === true,
            edited,
            lanesAtOnce,
            clock: systemClock,
            newId: newIntentId,
          },
          intents,
        )
  if (run.error !== null || others.length === 0) return run
  return { results: [...run.results, ...(await redriveElsewhere(redriving, letters, others))], error: null }
}

/** What the gateway does not take as an intent at all is no failure of the run. */
function deskOf(gateway: HttpCoordinator): RedriveDesk {
  const asIntent = async <Result>(ask: Promise<Result>): Promise<Result> => {
    try {
      return await ask
    } catch (error) {
      if (error instanceof ClientError && (error.problem === 'BODY_TOO_LARGE' || error.problem === 'BODY_MALFORMED'))
        throw new NoIntentError(`the gateway does not take it: ${error.message}. Write the intent anew (--edit FILE), or discard it`, {
          cause: error,
        })
      throw error
    }
  }
  return {
    dryRun: (intent) => asIntent(gateway.dryRun(intent)),
    submit: (intent, options) => asIntent(gateway.submit(intent, options)),
    decision: (intentId) => gateway.decision(intentId),
  }
}

function rateOf(text: string | undefined): number {
  const rate = Number(text ?? defaultPerSecond)
  if (!(rate > 0 && rate <= mostPerSecond))
    throw new CommandError('usage', `--rate takes letters a second, up to ${mostPerSecond}, not ${text}`)
  return rate
}

function editedIntent(file: string): Intent {
  let text: string
  try {
    text = withoutByteOrderMark(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch (cause) {
    throw new CommandError('usage', `cannot read ${file === '-' ? 'standard input' : file}: ${(cause as Error).message}`, { cause })
  }
  return usage(() => readIntentJson(withAnyId(text)))
}

/** It gets an id of its own: who writes it need not make one. */
function withAnyId(text: string): string {
  try {
    const value = JSON.parse(text) as unknown
    const lacksId = typeof value === 'object' && value !== null && !Array.isArray(value) && !('intentId' in value)
    return lacksId ? text.replace('{', `{"intentId":"${newIntentId()}",`) : text
  } catch {
    // Whoever reads it strictly says what is wrong.
    return text
  }
}

class Progress {
  readonly #total: number
  readonly #isDryRun: boolean
  readonly #counts = new Map<string, number>()
  #ended = 0
  #saidMs = performance.now()

  constructor(total: number, isDryRun: boolean) {
    this.#total = total
    this.#isDryRun = isDryRun
  }

  take({ outcome }: RedriveResult): void {
    this.#ended++
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1)
    if (performance.now() - this.#saidMs < progressMs) return
    this.#saidMs = performance.now()
    const counts = [...this.#counts].map(([name, count]) => `${count} ${name}`).join(', ')
    say(`${this.#isDryRun ? 'dry run' : 'redrive'}: ${this.#ended} of ${this.#total} dead letters, ${counts}`)
  }
}

async function report(settings: Settings, results: readonly RedriveResult[], isDryRun: boolean): Promise<void> {
  const isShort = results.length <= mostLines
  const listed =
    settings.output !== 'text' || isShort ? results : results.filter(({ outcome }) => outcome !== 'committed').slice(0, mostLines)
  await printMany(settings.output, listed, (result) => resultLine(result, isDryRun))
  const counts = Map.groupBy(results, ({ code, outcome }) => `${outcome}${code === null ? '' : ` ${code}`}`)
  const sums = [...counts].map(([what, { length }]) => `${length} ${what}`).sort()
  const more = results.length - listed.length
  if (more > 0) say(`${more} more are not listed here (--output jsonl lists all)`)
  if (isDryRun)
    say(
      `dry run of ${results.length} dead letters, each by itself on the state of now: ${sums.join(', ')}. Nothing is redriven yet: add --yes and --reason`,
    )
  else say(`${results.length} dead letters: ${sums.join(', ')}`)
}

function exitCodeOf(results: readonly RedriveResult[], isDryRun: boolean): number {
  if (isDryRun) return exitCodes.ok
  if (results.some(({ outcome }) => outcome === 'left' || outcome === 'undecided')) return exitCodes.timedOut
  // What became of a notification is known later.
  const isDone = ({ id, outcome }: RedriveResult) => outcome === 'committed' || (outcome === 'pending' && id.startsWith('escalation:'))
  return results.every(isDone) ? exitCodes.ok : exitCodes.rejected
}
