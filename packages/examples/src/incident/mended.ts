/** What would have helped: an approval sets its part of the order aside, so that the next one sees what is left. */
import { defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'
import { refund as before, order } from './contracts.ts'

const cents = z.int().positive()

export const refund = defineContract({
  type: 'refund',
  version: 2,
  owner: before.owner,
  data: z.strictObject({ order: z.string(), cents }),
  states: ['requested', 'approved', 'paid', 'denied'],
  actions: {
    request: { from: none, to: 'requested', by: ['intake-*'], input: z.strictObject({ order: z.string(), cents }) },
    approve: {
      from: 'requested',
      to: 'approved',
      by: ['policy'],
      guard: ({ data, read }) => {
        const found = read(order, data.order)
        if (!found.exists) return refuse('NO_SUCH_ORDER')
        return (
          data.cents <= found.data.paidCents - found.data.refundedCents || refuse('MORE_THAN_LEFT', 'the order has less left than that')
        )
      },
    },
    pay: { from: 'approved', to: 'paid', by: ['refunder'] },
    deny: { from: ['requested', 'approved'], to: 'denied', by: ['policy'] },
  },
})
