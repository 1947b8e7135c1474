/** A contract with a key that there is not. */
import { defineConfig, defineContract, none } from '@signalbox/contract'
import { z } from 'zod'

const keep = { from: none, to: 'kept', gaurd: () => false }

export default defineConfig({
  contracts: [
    defineContract({
      type: 'note',
      version: 1,
      owner: { team: 'desk', contact: '#desk' },
      data: z.strictObject({}),
      states: ['kept'],
      actions: { keep },
    }),
  ],
})
