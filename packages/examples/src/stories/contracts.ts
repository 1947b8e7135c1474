/** The contracts of the stories: each a few lines that a product manager can read. */
import { defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'

export const room = defineContract({
  type: 'room',
  version: 1,
  owner: { team: 'front-office', contact: '#front-office' },
  data: z.strictObject({ guest: z.string().nullable() }),
  states: ['free', 'booked'],
  actions: {
    open: { from: none, to: 'free', by: ['front-office'], apply: () => ({ guest: null }) },
    book: { from: 'free', to: 'booked', input: z.strictObject({ guest: z.string() }), apply: ({ input }) => ({ guest: input.guest }) },
  },
})

export const order = defineContract({
  type: 'order',
  version: 1,
  owner: { team: 'payments', contact: '#payments-oncall' },
  data: z.strictObject({ paidCents: z.int().min(0), refundedCents: z.int().min(0) }),
  states: ['paid'],
  actions: {
    pay: {
      from: none,
      to: 'paid',
      by: ['shop'],
      input: z.strictObject({ paidCents: z.int().positive() }),
      apply: ({ input }) => ({ paidCents: input.paidCents, refundedCents: 0 }),
    },
    refund: {
      from: 'paid',
      conflict: 'commutative',
      input: z.strictObject({ amountCents: z.int().positive() }),
      apply: ({ data, input }) => ({ ...data, refundedCents: data.refundedCents + input.amountCents }),
    },
  },
  invariants: { notMoreThanPaid: ({ data }) => data.refundedCents <= data.paidCents },
})

export const refund = defineContract({
  type: 'refund',
  version: 1,
  owner: { team: 'payments', contact: '#payments-oncall' },
  data: z.strictObject({ order: z.string(), amountCents: z.int().positive() }),
  states: ['granted'],
  actions: {
    grant: {
      from: none,
      to: 'granted',
      by: ['chat-agent', 'mail-agent'],
      input: z.strictObject({ order: z.string(), amountCents: z.int().positive() }),
      guard: ({ alongside, input }) =>
        alongside(`order/${input.order}`, 'refund')?.amountCents === input.amountCents ||
        refuse('ORDER_NOT_CHARGED', 'refund the order by the same amount in the same intent'),
    },
  },
})

export const deal = defineContract({
  type: 'deal',
  version: 1,
  owner: { team: 'sales', contact: '#sales-operations' },
  data: z.strictObject({ customer: z.string() }),
  states: ['qualified', 'proposed', 'negotiating', 'won'],
  actions: {
    qualify: { from: none, to: 'qualified', by: ['sales-agent'], input: z.strictObject({ customer: z.string() }) },
    propose: { from: 'qualified', to: 'proposed', by: ['sales-agent'] },
    negotiate: { from: 'proposed', to: 'negotiating', by: ['sales-agent'] },
    win: { from: 'negotiating', to: 'won', by: ['sales-agent'] },
  },
})

export const email = defineContract({
  type: 'email',
  version: 1,
  owner: { team: 'marketing', contact: '#marketing' },
  data: z.strictObject({ to: z.string(), about: z.string() }),
  states: ['sent'],
  actions: { send: { from: none, to: 'sent', by: ['mail-writer'], input: z.strictObject({ to: z.string(), about: z.string() }) } },
})

export const shipment = defineContract({
  type: 'shipment',
  version: 1,
  owner: { team: 'logistics', contact: '#warehouse' },
  data: z.strictObject({ order: z.string() }),
  states: ['packed', 'shipped', 'recalled'],
  actions: {
    pack: { from: none, to: 'packed', by: ['warehouse'], input: z.strictObject({ order: z.string() }) },
    ship: { from: 'packed', to: 'shipped', by: ['sales-agent'] },
    recall: { from: 'packed', to: 'recalled', by: ['fraud-agent'] },
  },
})
