/** Every resource as its last change left it: state and data are as that version of its contract wrote them. */
import { z } from 'zod'
import { jsonObject } from '../definition/json-object.ts'
import { defineProjection } from '../definition/projection.ts'
import { rowKey } from '../definition/row-key.ts'

export const resources = defineProjection({
  name: 'resources',
  version: 2,
  description: 'Every resource as its last change left it; keys are SCOPE/TYPE/ID',
  tables: {
    resources: z.strictObject({
      scope: z.string(),
      resource: z.string(),
      type: z.string(),
      version: z.int(),
      state: z.string(),
      data: jsonObject,
      contractVersion: z.int(),
      timer: z.strictObject({ due: z.int(), action: z.string() }).nullable(),
      changedMs: z.int(),
      event: z.string(),
      action: z.string(),
      agent: z.string().nullable(),
      rule: z.string().nullable(),
      intentId: z.string().nullable(),
    }),
  },
  changes: {
    '*': (change, { resources }) => {
      const { action, agent, contractVersion, data, event, intentId, resource, rule, scope, state, timeMs, timer, type, version } = change
      const row = { scope, resource, type, version, state, data, contractVersion, changedMs: timeMs, event, action, agent, rule, intentId }
      resources.put(rowKey(scope, resource), { ...row, timer: timer === null ? null : { due: timer.due, action: timer.action } })
    },
  },
})
