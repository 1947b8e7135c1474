/** Redrives what is no intent: notifications, which the escalation consumer sends again, and events that a projection could not take. */

import type { DeadLetterTopic } from '@signalbox/contract'
import { blockedBefore, type DeadLetter, type RedriveResult, SameIntents } from '@signalbox/dead-letters'
import { systemClock } from '@signalbox/log'
import { foldAgain } from '../projection.ts'
import type { Redriving } from './redrive.ts'
import { giveVerdict } from './settle.ts'

/** In their order, one after another. */
export async function redriveElsewhere(redriving: Redriving, letters: readonly DeadLetter[]): Promise<readonly RedriveResult[]> {
  const { done, perSecond, signal } = redriving
  const same = new SameIntents([], [])
  const folded = new Map<string, string | null>()
  const results: RedriveResult[] = []
  const end = (result: RedriveResult) => {
    results.push(result)
    done(result)
  }
  for (const letter of letters) {
    const blocked = blockedBefore(letter, same, false)
    if (blocked !== null) end(resultOf(letter, 'blocked', blocked.code, blocked.message))
    else if (signal.aborted) end(resultOf(letter, 'left', null, 'the run was stopped before it; run the same command again'))
    else if (redriving.isDryRun) end(resultOf(letter, 'undecided', null, whatFollows[letter.topic as Elsewhere](letter)))
    else {
      end(await redrive(redriving, letter, folded))
      await systemClock.sleep(1_000 / perSecond, signal)
    }
  }
  return results
}

type Elsewhere = Exclude<DeadLetterTopic, 'intents'>

const whatFollows: Readonly<Record<Elsewhere, (letter: DeadLetter) => string>> = {
  escalation: ({ target }) => `it would be sent to ${target} again, under the same webhook-id; whether it arrives nobody knows before`,
  projector: ({ parked }) => `the parked events of ${parked?.key} in projection ${parked?.projection} would be folded again`,
}

async function redrive(redriving: Redriving, letter: DeadLetter, folded: Map<string, string | null>): Promise<RedriveResult> {
  const { id, parked, standing } = letter
  // Marked before, it is on its way.
  if (standing.state === 'redriven') return resultOf(letter, 'undecided', null, whatBecomes(letter))
  if (parked !== null) {
    const failure = await fold(redriving, parked, folded)
    if (failure !== null) return resultOf(letter, 'blocked', 'STILL_DEAD_LETTERED', failure)
  }
  const { batch, by, gateway, partitionCount, reason } = redriving
  const decision = await giveVerdict(gateway, { id, agent: by, action: 'redrive', input: { reason, batch }, partitionCount })
  if (!decision.committed)
    return { ...resultOf(letter, 'blocked', 'SETTLED', `${decision.code}: ${decision.message}`), event: decision.event }
  const outcome = parked === null ? 'pending' : 'committed'
  return { ...resultOf(letter, outcome, null, parked === null ? whatBecomes(letter) : null), event: decision.event }
}

function whatBecomes({ id, target }: DeadLetter): string {
  return `signalbox escalations (or up) sends it to ${target} again: signalbox dead-letter show ${id} says what became of it`
}

/** Each key once: all that is parked under it is folded. Null where all of it was; folded again, it does nothing. */
async function fold(
  { settings }: Redriving,
  parked: NonNullable<DeadLetter['parked']>,
  folded: Map<string, string | null>,
): Promise<string | null> {
  const place = `${parked.projection} ${parked.key}`
  const known = folded.get(place)
  if (known !== undefined) return known
  const request = await foldAgain(settings, parked.projection, parked.key)
  const failure =
    request === null ? 'the run was stopped before it was folded' : request.state === 'done' ? null : (request.message ?? 'it failed')
  folded.set(place, failure)
  return failure
}

function resultOf(
  { agent, id, scope }: DeadLetter,
  outcome: RedriveResult['outcome'],
  code: RedriveResult['code'],
  message: string | null,
): RedriveResult {
  return { id, scope, agent, outcome, code, message, intentId: null, event: null, resumed: false }
}
