/**
 * Redrives what is no intent: notifications, which the escalation consumer sends again; events that a projection could not take; changes
 * that a reaction could not answer, and records that a source could not read, of which the intents are made here.
 */
import type { DeadLetterTopic, Decision } from '@signalbox/contract'
import {
  blockedBefore,
  type DeadLetter,
  type DeadLetters,
  type RedriveResult,
  SameIntents,
  type WholeLetter,
} from '@signalbox/dead-letters'
import { systemClock } from '@signalbox/log'
import { foldAgain } from '../projection.ts'
import { intentsAgain } from './intents-again.ts'
import type { Redriving } from './redriving.ts'
import { decisionWaitMs, giveVerdict } from './settle.ts'

/** In their order, one after another. */
export async function redriveElsewhere(
  redriving: Redriving,
  all: DeadLetters,
  letters: readonly DeadLetter[],
): Promise<readonly RedriveResult[]> {
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
      end(await redrive(redriving, all, letter, folded))
      await systemClock.sleep(1_000 / perSecond, signal)
    }
  }
  return results
}

type Elsewhere = Exclude<DeadLetterTopic, 'intents'>

const whatFollows: Readonly<Record<Elsewhere, (letter: DeadLetter) => string>> = {
  escalation: ({ target }) => `it would be sent to ${target} again, under the same webhook-id; whether it arrives nobody knows before`,
  projector: ({ parked }) => `the parked events of ${parked?.key} in projection ${parked?.projection} would be folded again`,
  reactions: ({ actions, subject }) =>
    `reaction ${subject} would be asked again about ${actions[0]?.action} of ${actions[0]?.resource}, and its intents sent`,
  ingest: ({ subject }) => `the record would be read by source ${subject} again, and its intent sent`,
}

async function redrive(
  redriving: Redriving,
  all: DeadLetters,
  letter: DeadLetter,
  folded: Map<string, string | null>,
): Promise<RedriveResult> {
  const { id, parked, standing, topic } = letter
  if (topic === 'reactions' || topic === 'ingest') return await askAgain(redriving, letter, await all.whole(letter))
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

/** Sent before it is marked: whoever is cut off in between finds it open, and the same intents have the same ids. */
async function askAgain(
  { batch, by, gateway, partitionCount, reason, settings }: Redriving,
  letter: DeadLetter,
  whole: WholeLetter,
): Promise<RedriveResult> {
  const asked = intentsAgain(settings, whole)
  if (typeof asked === 'string') return resultOf(letter, 'blocked', 'STILL_DEAD_LETTERED', asked)
  let last: Decision | null = null
  for (const intent of asked) {
    last = await gateway.submit(intent, { waitMs: decisionWaitMs })
    if (last === null)
      return resultOf(
        letter,
        'undecided',
        null,
        `intent ${intent.intentId} has no decision within ${decisionWaitMs} ms; run the same command again`,
      )
    if (!last.committed && last.pending === null)
      return { ...resultOf(letter, 'rejected', last.code, last.message), intentId: last.intentId, event: last.event }
  }
  const mark = await giveVerdict(gateway, { id: letter.id, agent: by, action: 'redrive', input: { reason, batch }, partitionCount })
  if (!mark.committed) return { ...resultOf(letter, 'blocked', 'SETTLED', `${mark.code}: ${mark.message}`), event: mark.event }
  const what = asked.length === 0 ? 'nothing follows from it' : null
  return { ...resultOf(letter, 'committed', null, what), intentId: last?.intentId ?? null, event: last?.event ?? mark.event }
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
