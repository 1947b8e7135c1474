/** The contract of what `signalbox erase` leaves in the log. */
import { z } from 'zod'
import { lengths } from './bounds.ts'
import { defineContract } from './define-contract.ts'
import { none } from './none.ts'

/** The scope and the type of what `signalbox erase` leaves in the log. */
export const erasureScope = 'erasures'
export const erasureType = 'erasure'

/** `erasure/KEY`: that a key was destroyed, by whom and why. It stands beside every set of contracts with personal data. */
export const erasure = defineContract({
  type: erasureType,
  version: 1,
  owner: { team: 'signalbox', contact: 'docs/personal-data.md' },
  data: z.strictObject({ by: z.string(), reason: z.string() }),
  states: ['recorded'],
  actions: {
    record: {
      from: none,
      to: 'recorded',
      by: ['human:*'],
      input: z.strictObject({
        reason: z.string().min(1).max(lengths.reason).describe('Why, without naming the person: it stays in the log'),
      }),
      apply: ({ agent, input }) => ({ by: agent, reason: input.reason }),
    },
  },
})
