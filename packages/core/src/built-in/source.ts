import { sourceData } from '@signalbox/contract'
import { defineBuiltIn } from './built-in.ts'

/** `source/TYPE/ID`: what a system of record said last. Kept by the facts themselves; nobody acts on it. */
export const source = defineBuiltIn({
  type: 'source',
  data: sourceData,
  states: ['known'],
  actions: {},
  following: { state: { from: ['none', 'known'], to: 'known' } },
})
