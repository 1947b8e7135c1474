/** `signalbox dead-letter discard` and `reopen`: verdicts alone. */
import { type HttpCoordinator, newIntentId } from '@signalbox/client'
import type { Decision, JsonObject, Status } from '@signalbox/contract'
import { type DeadLetter, verdictIntent } from '@signalbox/dead-letters'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { withSource } from '../../logs.ts'
import { printMany, say } from '../../output.ts'
import type { Settings } from '../../settings.ts'
import { humanOf, required, withGateway } from '../gateway.ts'
import { lettersOf, type SelectionFlags, selectedLetters } from './selection.ts'

export interface SettleFlags extends SelectionFlags {
  readonly reason?: string
  readonly by?: string
  readonly yes?: boolean
}

const decisionWaitMs = 10_000

export async function partitionsOf(gateway: HttpCoordinator): Promise<number> {
  return ((await gateway.request('GET', '/v1/status', 0)).body as Status).partitions.length
}

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
  const letters = await withSource(settings, async (source) => selectedLetters(await lettersOf(settings, source), ids, flags, isMeant))
  if (action === 'discard' && flags.yes !== true) {
    await printMany(
      settings.output,
      letters.map(({ id }) => ({ id, outcome: 'would be discarded' })),
      ({ id }) => `${id}  would be discarded`,
    )
    say(`${letters.length} dead letters would be discarded; nothing is yet: add --yes`)
    return exitCodes.ok
  }
  const reason = required('--reason', flags.reason, 'it stays in the log')
  const agent = humanOf(flags.by)
  const decisions = await withGateway(settings, async (gateway) => {
    const partitionCount = await partitionsOf(gateway)
    const all: (Pick<Decision, 'committed' | 'code' | 'message' | 'event'> & { readonly id: string })[] = []
    for (const { id } of letters) {
      const { code, committed, event, message } = await giveVerdict(gateway, { id, agent, action, input: { reason }, partitionCount })
      all.push({ id, committed, code, message, event })
    }
    return all
  })
  const done = action === 'discard' ? 'discarded' : 'open again'
  await printMany(settings.output, decisions, ({ code, committed, event, id, message }) =>
    committed ? `${id}  ${done}  event ${event}` : `${id}  ${code}  ${message}`,
  )
  return decisions.every(({ committed }) => committed) ? exitCodes.ok : exitCodes.rejected
}
