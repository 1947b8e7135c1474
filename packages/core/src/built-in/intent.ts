import { withdrawInput } from '@signalbox/contract'
import { z } from 'zod'
import { rejectPending } from '../decide/recorder.ts'
import type { Examination, PlannedAction } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import { defineBuiltIn, refused } from './built-in.ts'

/** `intent/ID`: an intent that is pending. Its agent may withdraw it, and so may a human. */
export const intent = defineBuiltIn({
  type: 'intent',
  data: z.strictObject({}),
  states: [],
  actions: {
    withdraw: {
      from: ['none'],
      to: null,
      input: withdrawInput,
      relief: 'release',
      check: checkWithdraw,
      apply: () => null,
      follow(decisions, examination, planned) {
        const { reason } = planned.input as { reason?: string }
        rejectPending(decisions, planned.id, {
          code: 'WITHDRAWN',
          message: `withdrawn by ${examination.intent.agent}${reason === undefined ? '' : `: ${reason}`}`,
        })
      },
    },
  },
})

function checkWithdraw({ intent, state }: Examination, planned: PlannedAction): Rejection | null {
  const pending = state.coordination.pending.get(planned.id)
  // Its reject embeds it.
  planned.followingLength = 4_096 + (pending?.intent.length ?? 0)
  if (pending === undefined || pending.scope !== intent.scope)
    return refused(
      planned,
      'NOT_PENDING',
      `no intent ${planned.id} is pending in scope ${intent.scope}; look what was decided (signalbox intent show ${planned.id})`,
    )
  if (pending.agent !== intent.agent && !intent.agent.startsWith('human:'))
    return refused(planned, 'NOT_YOURS', `the intent is of ${pending.agent}; only it, or a human (agent human:NAME), may withdraw it`)
  return null
}
