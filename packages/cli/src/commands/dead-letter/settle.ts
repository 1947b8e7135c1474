/** `signalbox dead-letter discard` and `reopen`: verdicts alone. */
import { type HttpCoordinator, newIntentId } from '@signalbox/client'
import type { Decision, JsonObject } from '@signalbox/contract'
import { type DeadLetter, verdictIntent } from '@signalbox/dead-letters'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { withSource } from '../../logs.ts'
import { printMany, say } from '../../output.ts'
import type { Settings } from '../../settings.ts'
import { signalled } from '../../signals.ts'
import { humanOf } from '../../user.ts'
import { required, statusOfSameLog, withGateway } from '../gateway.ts'
import { lettersOf, type SelectionFlags, selectedLetters } from './selection.ts'

export interface SettleFlags extends SelectionFlags {
  readonly reason?: string
  readonly by?: string
  readonly yes?: boolean
}

export const decisionWaitMs = 10_000

export interface VerdictAsked {
  readonly id: string
  readonly agent: string
  readonly action: 'redrive' | 'discard' | 'reopen'
  readonly input: JsonObject
  readonly partitionCount: number
}

/** Throws CommandError timedOut. */
export async function giveVerdict(gateway: HttpCoordinator, asked: VerdictAsked): Promise<Decision> {
  const intent = verdictIntent({ ...asked, intentId: newIntentId() })
  const decision = await gateway.submit(intent, { waitMs: decisionWaitMs })
  if (decision !== null) return decision
  throw new CommandError(
    'timedOut',
    `that ${asked.id} is to be ${asked.action === 'redrive' ? 'redriven' : `${asked.action}ed`} was not decided within ${decisionWaitMs} ms; it still may be: signalbox intent show ${intent.intentId}`,
  )
}

export async function settleDeadLetters(
  settings: Settings,
  action: 'discard' | 'reopen',
  ids: readonly string[],
  flags: SettleFlags,
): Promise<number> {
  if (settings.file !== null) throw new CommandError('usage', '--file is an export, and what is settled lies in the log; leave it out')
  const isMeant = (letter: DeadLetter) => letter.standing.state === 'open'
  return await withSource(settings, async (source) => {
    const letters = selectedLetters(await lettersOf(settings, source), ids, flags, isMeant)
    if (action === 'discard' && flags.yes !== true) return await sayWhich(settings, letters)
    const reason = required('--reason', flags.reason, 'it stays in the log')
    const verdict = { agent: humanOf(flags.by), action, input: { reason } } as const
    const decisions = await withGateway(settings, async (gateway) => {
      const { partitions } = await statusOfSameLog(gateway, settings, source.log.id)
      return await settleEach(gateway, letters, { ...verdict, partitionCount: partitions.length })
    })
    const done = action === 'discard' ? 'discarded' : 'open again'
    await printMany(settings.output, decisions, ({ code, committed, event, id, message }) =>
      committed ? `${id}  ${done}  event ${event}` : `${id}  ${code}  ${message}`,
    )
    const left = letters.length - decisions.length
    if (left > 0) throw new CommandError('timedOut', `stopped: ${left} dead letters are left as they were; run the same command again`)
    return decisions.every(({ committed }) => committed) ? exitCodes.ok : exitCodes.rejected
  })
}

async function sayWhich({ output }: Settings, letters: readonly DeadLetter[]): Promise<number> {
  await printMany(
    output,
    letters.map(({ id }) => ({ id, outcome: 'would be discarded' })),
    ({ id }) => `${id}  would be discarded`,
  )
  say(`${letters.length} dead letters would be discarded; nothing is yet: add --yes`)
  return exitCodes.ok
}

type Settled = Pick<Decision, 'committed' | 'code' | 'message' | 'event'> & { readonly id: string }

/** One after another; the one under way at SIGINT or SIGTERM is the last. */
async function settleEach(
  gateway: HttpCoordinator,
  letters: readonly DeadLetter[],
  verdict: Omit<VerdictAsked, 'id'>,
): Promise<readonly Settled[]> {
  const stop = new AbortController()
  void signalled().then(() => stop.abort())
  const all: Settled[] = []
  for (const { id } of letters) {
    if (stop.signal.aborted) break
    const { code, committed, event, message } = await giveVerdict(gateway, { ...verdict, id })
    all.push({ id, committed, code, message, event })
  }
  return all
}
