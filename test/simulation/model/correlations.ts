/** Pieces of work over all partitions, written a second time: who tells whom of how many intents, and until when a work is stopped. */
import { type Asked, type BuiltInAnswer, no } from './asked.ts'
import type { ModelSettings } from './expected.ts'
import type { ModelIntent, PlainObject } from './intent.ts'
import type { Ledger } from './ledger.ts'
import { countsResource } from './works.ts'

export function correlationAnswer({ action, containment, intent, ledger, nowMs, systemScope, windowMs }: Asked): BuiltInAnswer {
  if (action.resource !== countsResource || intent.scope !== systemScope) return no
  const { correlationId, count, partition, untilMs } = action.input
  const made = (exhausted: PlainObject | null): BuiltInAnswer => ({
    made: { state: 'counting', data: { correlationId: correlationId!, partition: partition!, count: count!, exhausted }, timer: null },
  })
  if (action.action === 'exhaust') return made({ count: count!, untilMs: untilMs! })
  const work = correlationId as string
  const sum = (count as number) + ledger.works.toldByOthers(work, partition as number, nowMs - windowMs)
  const { correlationIntents: limit } = containment
  const isTooMuch = limit !== null && sum >= limit && !ledger.works.isStopped(work, nowMs)
  return made(isTooMuch ? { count: sum, untilMs: nowMs + windowMs } : null)
}

/** What a partition says of a work with an intent of it; null where it says nothing. */
export function counting(
  { causationId, correlationId, intentId, scope }: ModelIntent,
  ledger: Ledger,
  { containment, partitionCount }: ModelSettings,
): PlainObject | null {
  const { correlationIntents: limit } = containment
  const isOfWork = causationId !== null || correlationId !== intentId
  if (limit === null || partitionCount === 1 || !isOfWork || scope.startsWith('~partition/')) return null
  const now = ledger.correlations.since(correlationId, ledger.time)
  if (now === 0 || now % Math.max(1, Math.floor(limit / partitionCount / 4)) !== 0) return null
  return { correlationId, partition: ledger.partition, count: ledger.correlations.at(correlationId, ledger.time), exhausted: null }
}
