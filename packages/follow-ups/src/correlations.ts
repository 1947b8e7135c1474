/** Carries what partitions count of pieces of work: to the home of each work, and from there that it is too much, to all. */
import { type CorrelationData, correlationResource, isSystemScope, type JsonObject, partitionOf, systemScope } from '@signalbox/contract'
import type { Changing, OwnFollowUp } from './own-follow-up.ts'

export function correlationFollowUps(event: Changing, partitionCount: number): OwnFollowUp[] {
  if (!isSystemScope(event.scope)) return []
  return event.payload.changes.flatMap(({ action, data, resource }) => {
    if (resource !== correlationResource) return []
    const { correlationId, count, exhausted, partition } = JSON.parse(data) as CorrelationData
    const to = (target: number, name: string, input: JsonObject): OwnFollowUp => ({
      scope: systemScope(target, partitionCount),
      actions: [{ resource, action: name, input }],
      cause: ['correlation', name, correlationId, `${target}`],
    })
    if (action === 'count') return [to(partitionOf(correlationId, partitionCount), 'tell', { correlationId, partition, count })]
    if (action !== 'tell' || exhausted === null) return []
    const others = Array.from({ length: partitionCount }, (_, target) => target).filter((target) => target !== event.partition)
    return others.map((target) => to(target, 'exhaust', { correlationId, partition, ...exhausted }))
  })
}
