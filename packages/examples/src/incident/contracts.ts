/** Refunds as they were on the day of the incident: each looks at the order, and none at the others. */
import { defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'

const owner = { team: 'payments', contact: '#payments-oncall' }
const cents = z.int().positive()

export const order = defineContract({
  type: 'order',
  version: 1,
  owner: { team: 'shop', contact: '#shop' },
  data: z.strictObject({ paidCents: cents, refundedCents: z.int().min(0) }),
  states: ['delivered'],
  actions: {
    deliver: {
      from: none,
      to: 'delivered',
      by: ['shop'],
      input: z.strictObject({ paidCents: cents }),
      apply: ({ input }) => ({ paidCents: input.paidCents, refundedCents: 0 }),
    },
    charge: {
      from: 'delivered',
      by: ['refunder'],
      conflict: 'commutative',
      input: z.strictObject({ cents }),
      apply: ({ data, input }) => ({ ...data, refundedCents: data.refundedCents + input.cents }),
    },
  },
})

export const refund = defineContract({
  type: 'refund',
  version: 1,
  owner,
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
        return (found.exists && data.cents <= found.data.paidCents) || refuse('MORE_THAN_PAID')
      },
    },
    pay: { from: 'approved', to: 'paid', by: ['refunder'] },
    deny: { from: ['requested', 'approved'], to: 'denied', by: ['policy'] },
  },
})
