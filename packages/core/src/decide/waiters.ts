/** Waiting intents for which something moved: decided again, oldest first, as many as one record may. */
import type { StillPending } from '@signalbox/contract'
import type { Decisions } from '../record/decisions.ts'
import type { PendingIntent } from '../state/coordination/pending.ts'
import { examinationOfPending, outcomeOfPending } from './outcome.ts'
import { waitsFor } from './pending-intents.ts'
import { record } from './recorder.ts'

export function examineWaiters(decisions: Decisions): void {
  const { pending } = decisions.state.coordination
  const { waitersARecord } = decisions.rules.limits
  let waiting: StillPending[] = []
  let scope = ''
  // Said before anything else is committed: what that moves must find them asleep, to wake them.
  const say = (): void => {
    if (waiting.length > 0) decisions.emit({ type: 'WaitersExamined', scope, payload: { waiting } })
    waiting = []
  }
  let queue = pending.ready()
  for (let examined = 0, at = 0; examined < waitersARecord && at < queue.length && decisions.hasRoom; examined++) {
    const waiter = queue[at]!
    if (waiter.scope !== scope) say()
    scope = waiter.scope
    const still = decideAgain(decisions, waiter, say)
    if (still !== null) {
      waiting.push(still)
      at++
      continue
    }
    queue = pending.ready()
    at = 0
  }
  say()
}

/** Null when it was settled or put before a human; else with what it waits on. */
function decideAgain(decisions: Decisions, pending: PendingIntent, say: () => void): StillPending | null {
  const { nowMs, rules, state } = decisions
  const examination = examinationOfPending(state, rules, pending, nowMs)
  const outcome = outcomeOfPending(examination)
  if (outcome.kind === 'waits') {
    const { rejection } = outcome
    return { intentId: pending.intentId, code: rejection.code, resources: [...waitsFor(examination, rejection)] }
  }
  say()
  record(decisions, { examination, outcome }, { pending, verdict: null })
  return null
}
