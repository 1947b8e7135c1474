/** Refunds of which large ones need a human. */
import { defineConfig, defineContract, none } from '@signalbox/contract'
import { z } from 'zod'

export default defineConfig({
  contracts: [
    defineContract({
      type: 'refund',
      version: 1,
      owner: { team: 'payments', contact: '#payments' },
      data: z.strictObject({ cents: z.int() }),
      states: ['requested', 'approved', 'paid', 'reversed'],
      handoff: { requires: ['resource', 'last-change', 'reservation'] },
      actions: {
        request: { from: none, to: 'requested', input: z.strictObject({ cents: z.int() }) },
        correct: { from: 'requested', conflict: 'commutative', input: z.strictObject({ cents: z.int() }), apply: ({ input }) => input },
        approve: {
          from: 'requested',
          to: 'approved',
          escalate: [{ reason: 'LARGE', when: ({ data }) => data.cents > 500, to: 'leads' }],
        },
        pay: { from: 'approved', to: 'paid', effect: { reportWithinMs: 600_000, idempotent: false }, undo: 'reverse' },
        reverse: { from: 'paid', to: 'reversed' },
        remind: { from: 'requested', conflict: 'commutative', guard: ({ data }) => data.cents < 10 },
      },
    }),
  ],
})
