/** Where agents are in each other's way: which resources, who loses to whom, by which code. */
import { z } from 'zod'
import { defineProjection } from '../definition/projection.ts'
import { rowKey } from '../definition/row-key.ts'

const counted = { count: z.int(), lastMs: z.int() }

function once<Row extends { count: number; lastMs: number }>(row: Row, timeMs: number): Row {
  return { ...row, count: row.count + 1, lastMs: Math.max(row.lastMs, timeMs) }
}

export const contention = defineProjection({
  name: 'contention',
  version: 1,
  description: "Where agents are in each other's way: which resources, who loses to whom, by which code",
  tables: {
    /** SCOPE/TYPE/ID */
    resources: z.strictObject({
      scope: z.string(),
      resource: z.string(),
      rejects: z.int(),
      waits: z.int(),
      byCode: z.record(z.string(), z.int()),
      lastMs: z.int(),
    }),
    /** LOSER/WINNER: whose intent was rejected, because of whose commit. */
    pairs: z.strictObject({ loser: z.string(), winner: z.string(), ...counted }),
    codes: z.strictObject({ code: z.string(), ...counted }),
  },
  on: {
    IntentRejected: ({ payload, scope, time }, { codes, pairs, resources }) => {
      const { agent, code, movedBy, resource } = payload
      codes.update(code, { code, count: 0, lastMs: 0 }, (row) => once(row, time))
      if (resource === null) return
      const none = { scope, resource, rejects: 0, waits: 0, byCode: {} as Record<string, number>, lastMs: 0 }
      resources.update(rowKey(scope, resource), none, (row) => ({
        ...row,
        rejects: row.rejects + 1,
        byCode: { ...row.byCode, [code]: (row.byCode[code] ?? 0) + 1 },
        lastMs: Math.max(row.lastMs, time),
      }))
      if (agent === null || movedBy === null) return
      const pair = { loser: agent, winner: movedBy.agent, count: 0, lastMs: 0 }
      pairs.update(rowKey(agent, movedBy.agent), pair, (row) => once(row, time))
    },
    IntentPending: ({ payload, scope, time }, { resources }) => {
      if (payload.reason !== 'waiting' || payload.since !== null) return
      for (const resource of payload.resources) {
        const none = { scope, resource, rejects: 0, waits: 0, byCode: {} as Record<string, number>, lastMs: 0 }
        resources.update(rowKey(scope, resource), none, (row) => ({ ...row, waits: row.waits + 1, lastMs: Math.max(row.lastMs, time) }))
      }
    },
  },
})
