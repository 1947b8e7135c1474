/** The contracts of the shop's refunds: what an order, a shipment, a refund and a mail may become, and who may see to it. */
import { defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'

const payments = { team: 'payments', contact: '#payments-oncall' }
const cents = z.strictObject({ cents: z.int().positive() })

/** Agents that ran into each other so often on one resource are put before a human. */
const contradictions = { count: 3, to: 'payments-leads' }

export const order = defineContract({
  type: 'order',
  version: 1,
  owner: payments,
  data: z.strictObject({ paidCents: z.int().min(0), refundedCents: z.int().min(0) }),
  states: ['paid'],
  actions: {
    place: {
      from: none,
      to: 'paid',
      by: ['intake'],
      input: cents,
      apply: ({ input }) => ({ paidCents: input.cents, refundedCents: 0 }),
    },
    // The customer takes a discount instead of part of the money.
    settle: {
      from: 'paid',
      by: ['intake'],
      input: cents,
      apply: ({ data, input }) => ({ ...data, paidCents: data.paidCents - input.cents }),
    },
    charge: {
      from: 'paid',
      by: ['policy'],
      conflict: 'commutative',
      input: cents,
      apply: ({ data, input }) => ({ ...data, refundedCents: data.refundedCents + input.cents }),
    },
  },
  invariants: { notMoreThanPaid: ({ data }) => data.refundedCents <= data.paidCents },
  contradictions,
})

export const shipment = defineContract({
  type: 'shipment',
  version: 1,
  owner: { team: 'logistics', contact: '#warehouse' },
  data: z.strictObject({ order: z.string(), condition: z.enum(['unknown', 'sound', 'damaged']) }),
  states: ['underway', 'received', 'lost'],
  actions: {
    announce: {
      from: none,
      to: 'underway',
      by: ['intake'],
      input: z.strictObject({ order: z.string() }),
      apply: ({ input }) => ({ order: input.order, condition: 'unknown' as const }),
    },
    receive: { from: 'underway', to: 'received', by: ['warehouse'] },
    inspect: {
      from: 'received',
      by: ['warehouse'],
      input: z.strictObject({ condition: z.enum(['sound', 'damaged']) }),
      apply: ({ data, input }) => ({ ...data, condition: input.condition }),
    },
    lose: { from: 'underway', to: 'lost', by: ['intake'] },
  },
  contradictions,
})

export const refund = defineContract({
  type: 'refund',
  version: 1,
  owner: payments,
  data: z.strictObject({ order: z.string(), amountCents: z.int().positive() }),
  states: ['requested', 'approved', 'paid', 'denied'],
  actions: {
    request: {
      from: none,
      to: 'requested',
      by: ['intake'],
      input: z.strictObject({ order: z.string(), amountCents: z.int().positive() }),
      guard: ({ input, read }) => {
        const seen = read(`order/${input.order}`)
        if (!seen.exists) return refuse('NO_ORDER', 'there is no such order in this scope')
        const { paidCents, refundedCents } = seen.data as { paidCents: number; refundedCents: number }
        return input.amountCents <= paidCents - refundedCents || refuse('MORE_THAN_REFUNDABLE', 'ask for what is left of the order at most')
      },
    },
    approve: {
      from: 'requested',
      to: 'approved',
      by: ['policy'],
      guard: ({ alongside, data }) =>
        alongside(`order/${data.order}`, 'charge')?.cents === data.amountCents ||
        refuse('ORDER_NOT_CHARGED', 'charge the order by the same amount in the same intent'),
      escalate: [{ reason: 'LARGE', when: ({ data }) => data.amountCents > 50_000, to: 'payments-leads' }],
    },
    approvePart: {
      from: 'requested',
      to: 'approved',
      by: ['policy'],
      input: cents,
      guard: ({ alongside, data, input }) =>
        (input.cents < data.amountCents && alongside(`order/${data.order}`, 'charge')?.cents === input.cents) ||
        refuse('ORDER_NOT_CHARGED', 'approve less than was asked for, and charge the order by the same amount in the same intent'),
      apply: ({ data, input }) => ({ ...data, amountCents: input.cents }),
    },
    deny: { from: ['requested', 'approved'], to: 'denied', by: ['policy', 'clock'] },
    pay: {
      from: 'approved',
      to: 'paid',
      by: ['refund'],
      guard: ({ data, read }) => read(`shipment/${data.order}`).state === 'received' || refuse('GOODS_NOT_BACK', 'wait for the warehouse'),
      amount: ({ data }) => data.amountCents,
      effect: { reportWithinMs: 1_500, idempotent: false },
      undo: 'reverse',
    },
    reverse: { from: 'paid', to: 'approved', by: ['refund', 'human:*'] },
  },
  after: { requested: { ms: 24 * 3_600_000, action: 'deny' } },
  escalation: { levels: [{ to: 'payments-leads', withinMs: 600_000 }] },
  contradictions,
})

export const mail = defineContract({
  type: 'mail',
  version: 1,
  owner: { team: 'customer-care', contact: '#customer-care' },
  data: z.strictObject({ refund: z.string(), text: z.string() }),
  states: ['sent'],
  actions: {
    send: {
      from: none,
      to: 'sent',
      by: ['email'],
      input: z.strictObject({ refund: z.string(), text: z.string().max(500) }),
      guard: ({ input, read }) => read(`refund/${input.refund}`).exists || refuse('NO_REFUND', 'there is no such refund in this scope'),
      effect: { reportWithinMs: 1_500, idempotent: true, attempts: 3 },
    },
  },
})
