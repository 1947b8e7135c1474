/** Waiting intents for which something moved: decided again, oldest first, as many as one record may. */
import type { StillPending } from '@signalbox/contract'
import { decisionChecks } from './checks/index.ts'
import type { PendingIntent } from './coordination/pending.ts'
import type { Decisions } from './decisions.ts'
import { escalationNeeded } from './escalate.ts'
import { openForIntent } from './follow.ts'
import { canWait, runChecks } from './own.ts'
import { escalatedPending, waitsFor } from './pend.ts'
import { commitPending, examinationOf, rejectPending } from './settle.ts'
import { nowInShadow } from './shadow.ts'

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
function decideAgain(decisions: Decisions, waiter: PendingIntent, say: () => void): StillPending | null {
  const { nowMs, rules, state } = decisions
  const examination = examinationOf(state, rules, waiter, nowMs)
  const rejection = runChecks(decisionChecks, examination) ?? nowInShadow(examination)
  examination.isOver = true
  if (rejection !== null && canWait(examination, rejection))
    return { intentId: waiter.intentId, code: rejection.code, resources: [...waitsFor(examination, rejection)] }
  say()
  if (rejection !== null) rejectPending(decisions, waiter.intentId, rejection)
  else {
    const escalation = escalationNeeded(examination)
    if (escalation === null) commitPending(decisions, waiter, examination, null)
    else {
      decisions.emit({ type: 'IntentPending', scope: waiter.scope, payload: escalatedPending(examination, escalation, waiter.since) })
      openForIntent(decisions, examination, escalation)
    }
  }
  return null
}
