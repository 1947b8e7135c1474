/** What each agent has done, with which rejects, and how it stands in each scope. */
import { agentData, isSystemScope, systemScope } from '@signalbox/contract'
import { z } from 'zod'
import { defineProjection, type TableView } from '../definition/projection.ts'
import { rowKey } from '../definition/row-key.ts'

const agentPrefix = 'agent/'

const agent = z.strictObject({
  agent: z.string(),
  committed: z.int(),
  rejected: z.int(),
  /** Had to wait, or was escalated. */
  pending: z.int(),
  shadowed: z.int(),
  duplicates: z.int(),
  lastMs: z.int(),
})
type Agent = z.output<typeof agent>
type Counted = 'committed' | 'rejected' | 'pending' | 'shadowed' | 'duplicates'

// Sums and maxima only: an agent acts in scopes of several partitions.
function count(agents: TableView<Agent>, name: string | null, what: Counted, timeMs: number): void {
  if (name === null) return
  const none = { agent: name, committed: 0, rejected: 0, pending: 0, shadowed: 0, duplicates: 0, lastMs: 0 }
  agents.update(name, none, (row) => ({ ...row, [what]: row[what] + 1, lastMs: Math.max(row.lastMs, timeMs) }))
}

export const agents = defineProjection({
  name: 'agents',
  version: 2,
  description: 'What each agent has done, with which rejects, and how it stands in each scope',
  tables: {
    agents: agent,
    /** AGENT/CODE */
    rejects: z.strictObject({ agent: z.string(), code: z.string(), count: z.int(), lastMs: z.int() }),
    /** AGENT/SCOPE: breakers and quarantine. */
    standing: z.strictObject({ agent: z.string(), scope: z.string(), state: z.string(), reason: z.string(), changedMs: z.int() }),
  },
  on: {
    IntentCommitted: ({ payload, time }, { agents }) => count(agents, payload.agent, 'committed', time),
    IntentPending: ({ payload, time }, { agents }) => {
      if (payload.since === null) count(agents, payload.agent, 'pending', time)
    },
    IntentShadowed: ({ payload, time }, { agents }) => count(agents, payload.agent, 'shadowed', time),
    IntentDuplicated: ({ payload, time }, { agents }) => count(agents, payload.agent, 'duplicates', time),
    // Scopes of partitions have the same names in many logs: how agents stand on this one's is of the time of the move, so that it can
    // be told from how they stood on those before, which is over.
    ScopeCarried: ({ payload: { changes, isShadow }, scope, time }, { standing }) => {
      if (isShadow || !isSystemScope(scope)) return
      for (const { data, resource, state } of changes) {
        if (!resource.startsWith(agentPrefix)) continue
        const { reason } = agentData.partial().parse(JSON.parse(data))
        const id = resource.slice(agentPrefix.length)
        standing.put(rowKey(id, scope), { agent: id, scope, state, reason: reason ?? '', changedMs: time })
      }
    },
    PartitionCarried: ({ payload: { fromPartitions, lastQuarantines }, time }, { standing }) => {
      for (const { agent } of lastQuarantines) {
        for (let partition = 0; partition < fromPartitions; partition++) {
          const key = rowKey(agent, systemScope(partition, fromPartitions))
          if ((standing.get(key)?.changedMs ?? time) < time) standing.delete(key)
        }
      }
    },
    IntentRejected: ({ payload, time }, { agents, rejects }) => {
      const { agent, code } = payload
      count(agents, agent, 'rejected', time)
      if (agent === null) return
      const none = { agent, code, count: 0, lastMs: 0 }
      rejects.update(rowKey(agent, code), none, (row) => ({ ...row, count: row.count + 1, lastMs: Math.max(row.lastMs, time) }))
    },
  },
  changes: {
    agent: ({ data, id, isCarried, scope, state, timeMs }, { standing }) => {
      if (isCarried && isSystemScope(scope)) return
      const { reason } = agentData.partial().parse(data)
      standing.put(rowKey(id, scope), { agent: id, scope, state, reason: reason ?? '', changedMs: timeMs })
    },
  },
})
