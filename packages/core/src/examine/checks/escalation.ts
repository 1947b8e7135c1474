import type { Check } from '../check.ts'
import { ruledEscalation } from '../consent.ts'

/** Whether a contract asks for a human. Never fails: the intent is then put before one, in place of being committed. */
export const escalation: Check = {
  name: 'escalation',
  run(examination) {
    // Where a human has agreed, it still says how many must.
    examination.escalation = ruledEscalation(examination)
    return null
  },
  seen: ({ escalation: found }) => ({ cause: found?.cause ?? null }),
}
