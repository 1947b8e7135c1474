/** Customers, whose names and addresses are personal data. */
import { defineConfig, defineContract, none, personal, refuse } from '@signalbox/contract'
import { z } from 'zod'

export const customer = defineContract({
  type: 'customer',
  version: 1,
  owner: { team: 'sales', contact: '#sales' },
  dataSubject: ({ id }) => id,
  data: z.strictObject({ email: personal(), tier: z.string() }),
  states: ['known'],
  actions: {
    register: {
      from: none,
      to: 'known',
      input: z.strictObject({ email: personal(), tier: z.string() }),
    },
    confirm: {
      from: 'known',
      input: z.strictObject({ email: personal() }),
      guard: ({ data, input }) => data.email === input.email || refuse('ANOTHER_EMAIL'),
    },
  },
})

export default defineConfig({ contracts: [customer] })
