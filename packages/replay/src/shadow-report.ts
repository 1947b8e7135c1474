/** What agents and contracts in shadow would have done, beside what was done. */
import type { JsonObject } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import type { Source } from '@signalbox/partition-state'

export interface ShadowReport {
  readonly by: string
  readonly intents: number
  readonly wouldCommit: number
  readonly wouldReject: { readonly [code: string]: number }
  /** Where the shadow would have changed what others changed as well: the same version of the same resource, by each. */
  readonly differences: readonly {
    readonly scope: string
    readonly resource: string
    readonly version: number
    readonly shadow: JsonObject
    readonly real: JsonObject | null
  }[]
}

const maxDifferences = 100

/** What would have been, per contract and agent in shadow, beside what was. Reads the whole log twice. */
export async function shadowReport(source: Source): Promise<readonly ShadowReport[]> {
  interface Tally {
    intents: number
    wouldCommit: number
    readonly wouldReject: Record<string, number>
    readonly changes: Map<string, { scope: string; resource: string; version: number; data: string }>
  }
  const tallies = new Map<string, Tally>()
  const real = new Map<string, string>()
  for (let partition = 0; partition < source.log.partitionCount; partition++) {
    for await (const { event } of readEvents(source, partition)) {
      if (event.type !== 'IntentShadowed') continue
      const { by, changes, code } = event.payload
      const tally: Tally = tallies.get(by) ?? { intents: 0, wouldCommit: 0, wouldReject: {}, changes: new Map() }
      tallies.set(by, tally)
      tally.intents++
      if (code === null) tally.wouldCommit++
      else tally.wouldReject[code] = (tally.wouldReject[code] ?? 0) + 1
      for (const { data, resource, version } of changes)
        if (tally.changes.size < 100_000)
          tally.changes.set(keyOf(event.scope, resource, version), { scope: event.scope, resource, version, data })
    }
  }
  // What was, of all that would have been: in a second reading, as it may have come first.
  const wanted = new Set([...tallies.values()].flatMap(({ changes }) => [...changes.keys()]))
  for (let partition = 0; wanted.size > 0 && partition < source.log.partitionCount; partition++) {
    for await (const { event } of readEvents(source, partition)) {
      if (event.type !== 'IntentCommitted') continue
      for (const { data, resource, version } of event.payload.changes) {
        const key = keyOf(event.scope, resource, version)
        if (wanted.has(key)) real.set(key, data)
      }
    }
  }
  return [...tallies]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([by, { changes, intents, wouldCommit, wouldReject }]) => ({
      by,
      intents,
      wouldCommit,
      wouldReject,
      differences: [...changes]
        .filter(([key, { data }]) => real.get(key) !== data)
        .slice(0, maxDifferences)
        .map(([key, { data, resource, scope, version }]) => {
          const was = real.get(key)
          return {
            scope,
            resource,
            version,
            shadow: JSON.parse(data) as JsonObject,
            real: was === undefined ? null : (JSON.parse(was) as JsonObject),
          }
        }),
    }))
}

function keyOf(scope: string, resource: string, version: number): string {
  return `${scope}\u0000${resource}\u0000${version}`
}
