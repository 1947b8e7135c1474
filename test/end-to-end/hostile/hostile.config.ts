/** Everything that a contract says, and everything that an agent gives it, may be hostile. */
import { defineConfig, defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'
import { hostile } from './text.ts'

export default defineConfig({
  contracts: [
    defineContract({
      type: 'note',
      version: 1,
      owner: { team: `desk ${hostile}`, contact: `#desk ${hostile}` },
      data: z.strictObject({ text: z.string() }),
      states: ['kept'],
      actions: {
        keep: { from: none, to: 'kept', input: z.strictObject({ text: z.string() }), apply: ({ input }) => input },
        rewrite: { from: 'kept', conflict: 'commutative', input: z.strictObject({ text: z.string() }), apply: ({ input }) => input },
        refuse: { from: 'kept', conflict: 'commutative', guard: ({ data }) => refuse('NOT_LIKED', `I do not like ${data.text}`) },
        break: {
          from: 'kept',
          conflict: 'commutative',
          guard: ({ data }) => {
            throw new Error(`broken by ${data.text}`)
          },
        },
        ask: { from: 'kept', conflict: 'commutative', escalate: [{ when: () => true, reason: 'SOUNDS_ODD', to: 'leads' }] },
      },
    }),
  ],
})
