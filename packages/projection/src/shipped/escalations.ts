/** Every escalation, and what humans made of it. */
import { z } from 'zod'
import { jsonObject } from '../definition/json-object.ts'
import { defineProjection } from '../definition/projection.ts'
import { rowKey } from '../definition/row-key.ts'

export const escalations = defineProjection({
  name: 'escalations',
  version: 1,
  description: 'Every escalation with its state and verdict; keys are SCOPE/ID',
  tables: {
    escalations: z.strictObject({
      scope: z.string(),
      id: z.string(),
      state: z.string(),
      version: z.int(),
      changedMs: z.int(),
      /** Who changed it last; null where time or a rule did. */
      by: z.string().nullable(),
      /** As the contract of escalations has it: cause, message, levels, verdict and the rest. */
      data: jsonObject,
    }),
    /** By state, how many are in it. */
    states: z.strictObject({ state: z.string(), count: z.int() }),
  },
  changes: {
    escalation: ({ agent, data, fromState, id, scope, state, timeMs, version }, { escalations, states }) => {
      escalations.put(rowKey(scope, id), { scope, id, state, version, changedMs: timeMs, by: agent, data })
      if (fromState === state) return
      const add = (name: string, by: number) => states.update(name, { state: name, count: 0 }, (row) => ({ ...row, count: row.count + by }))
      if (fromState !== null) add(fromState, -1)
      add(state, 1)
    },
  },
})
