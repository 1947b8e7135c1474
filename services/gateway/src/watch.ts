/** Tells agents what moves of that which they have read, so that they stop thinking on stale facts. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Event, Invalidation, Read } from '@signalbox/contract'
import { resourceKey } from '@signalbox/core'
import { formatPosition, presentResource, type ReadModel } from '@signalbox/replay'

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

/** Streams invalidations until the reader goes or `signal` is aborted. */
export async function streamWatch(
  response: ServerResponse,
  watch: (signal: AbortSignal) => AsyncIterable<Invalidation>,
  { heartbeatMs, signal }: { readonly heartbeatMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const gone = new AbortController()
  const stop = () => gone.abort('gone')
  response.on('close', stop)
  signal.addEventListener('abort', stop, { once: true })
  response.write('retry: 1000\n\n')
  const heartbeat = setInterval(() => response.write(': alive\n\n'), heartbeatMs)
  try {
    for await (const moved of watch(gone.signal)) {
      // A slow reader is waited for; meanwhile moves of one resource become one.
      if (!response.write(`event: moved\ndata: ${JSON.stringify(moved)}\n\n`))
        await once(response, 'drain', { signal: gone.signal }).catch(() => {})
    }
  } finally {
    clearInterval(heartbeat)
    signal.removeEventListener('abort', stop)
    response.end()
  }
}
