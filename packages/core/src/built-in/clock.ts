import { z } from 'zod'
import { defineBuiltIn } from './built-in.ts'

/** `clock/tick`: a record that does nothing but move time, so that what is due happens. */
export const clock = defineBuiltIn({
  type: 'clock',
  data: z.strictObject({}),
  states: [],
  actions: { tick: { from: ['none'], to: null, by: ['clock'], apply: () => null, relief: 'release' } },
})
