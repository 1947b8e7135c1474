/** The shop, with a contract whose code ends the process that runs it. */
import { exit } from 'node:process'
import { defineConfig, defineContract, none } from '@signalbox/contract'
import { z } from 'zod'
import { order, stock } from '../support/shop.ts'

/** What was taken when the module was loaded is out of reach for the seal of contract code; a loop without an end has the same effect. */
function endProcess(): never {
  exit(99)
}

export const killer = defineContract({
  type: 'killer',
  version: 1,
  owner: { team: 'shop', contact: '#shop' },
  data: z.strictObject({}),
  states: ['there'],
  actions: {
    strike: {
      from: none,
      to: 'there',
      input: z.strictObject({}),
      guard: () => endProcess(),
    },
  },
})

export default defineConfig({ contracts: [order, stock, killer] })
