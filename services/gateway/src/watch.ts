/** Tells agents what moves of that which they have read, so that they stop thinking on stale facts. */
import type { Event, Invalidation, Read } from '@signalbox/contract'
import { resourceKey } from '@signalbox/core'
import type { ReadModel } from '@signalbox/partition-state'
import { formatPosition, presentResource } from '@signalbox/presentation'
import type { Outlet } from './streams.ts'

/** Of several moves of one resource the newest is told: what waits to be told is bounded by what is watched. */
export async function* watchResources(
  readModel: ReadModel,
  partition: number,
  scope: string,
  reads: readonly Read[],
  signal: AbortSignal,
): AsyncGenerator<Invalidation> {
  const seen = new Map(reads.map(({ resource, version }) => [resource, version]))
  const moved = new Set(seen.keys())
  let wake: () => void = () => {}
  const unlisten = readModel.listen((_partition, { event }) => {
    if (event.scope !== scope) return
    let isMoved = false
    for (const resource of changedBy(event)) {
      if (!seen.has(resource)) continue
      moved.add(resource)
      isMoved = true
    }
    if (isMoved) wake()
  })
  const stop = () => wake()
  signal.addEventListener('abort', stop, { once: true })
  try {
    while (!signal.aborted) {
      const [resource] = moved
      if (resource === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      moved.delete(resource)
      const current = presentResource(scope, resource, readModel.state(partition).resource(resourceKey(scope, resource)))
      const from = seen.get(resource)!
      if (current.version <= from || current.lastChange === null) continue
      seen.set(resource, current.version)
      const { lastChange, state, version } = current
      yield { resource, from, version, state, movedBy: lastChange, position: formatPosition(partition, readModel.position(partition)) }
    }
  } finally {
    unlisten()
    signal.removeEventListener('abort', stop)
  }
}

function changedBy({ payload, type }: Event): readonly string[] {
  if (type !== 'IntentCommitted' && type !== 'RuleApplied') return []
  return (payload as { changes: readonly { resource: string }[] }).changes.map(({ resource }) => resource)
}

/** Tells of invalidations until the reader goes. A slow reader is waited for; meanwhile moves of one resource become one. */
export async function sendMoves(outlet: Outlet, watch: (signal: AbortSignal) => AsyncIterable<Invalidation>): Promise<void> {
  for await (const moved of watch(outlet.signal)) {
    outlet.write(`event: moved\ndata: ${JSON.stringify(moved)}\n\n`)
    await outlet.drained()
  }
}
