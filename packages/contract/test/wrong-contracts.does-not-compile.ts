import { z } from 'zod'
import { defineContract, none } from '../src/index.ts'

const owner = { team: 'payments', contact: '#payments' }
const data = z.strictObject({ amountCents: z.int() })

export const refund = defineContract({
  type: 'refund',
  version: 1,
  owner,
  data,
  states: ['requested', 'paid'],
  actions: {
    request: { from: none, to: 'requestd', input: data }, // wrong: a state that there is not
    pay: { from: 'requeste', to: 'paid' }, // wrong: a state that there is not
    again: { from: ['requested', 'pad'], to: 'paid' }, // wrong: a state that there is not
    field: { from: 'requested', guard: ({ data }) => data.amountCent > 5 }, // wrong: a field that the data has not
    input: { from: 'requested', input: z.strictObject({ by: z.int() }), guard: ({ input }) => input.bye > 5 }, // wrong: a field that the input has not
    kind: { from: 'requested', apply: ({ data }) => ({ amountCents: `${data.amountCents}` }) }, // wrong: text for a number
    none: { from: none, to: 'requested', input: data, guard: ({ data }) => data !== undefined }, // wrong: there is no data yet
    policy: { from: 'requested', conflict: 'mergee' }, // wrong: a policy that there is not
    answer: { from: 'requested', guard: () => 'yes' }, // wrong: no answer of a guard
    escalating: { from: 'requested', escalate: [{ reason: 'LARGE', to: 'leads', when: ({ data }) => data.amountCent > 5 }] }, // wrong: a field that the data has not
    asking: { from: 'requested', escalate: [{ reason: 'LARGE', when: () => true }] }, // wrong: nobody to ask
    answering: { from: 'requested', escalate: [{ reason: 'LARGE', to: 'leads', when: () => 'yes' }] }, // wrong: no answer of a rule
    spending: { from: 'requested', amount: ({ data }) => data.amountCent }, // wrong: a field that the data has not
    doing: { from: 'requested', effect: { reportWithinMs: 5 } }, // wrong: whether it may be done twice is not said
  },
  after: {
    requested: { ms: 1, action: 'pays' }, // wrong: an action that there is not
    paid: { action: 'again' }, // wrong: no time
  },
  invariants: { positive: ({ data }) => data.amount > 0 }, // wrong: a field that the data has not
})

export const action: keyof typeof refund.actions = 'refuse' // wrong: an action that there is not
export const right: keyof typeof refund.actions = 'pay'
