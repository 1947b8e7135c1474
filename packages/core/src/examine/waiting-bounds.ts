import type { Coordination } from '@signalbox/contract'
import type { Examination, PlannedAction } from './examination.ts'

/** What bounds the waiting for a resource: its contract; for a reservation, that of what is reserved. */
export function waitingBounds({ rules }: Examination, { contract, id, prepared }: PlannedAction): Coordination['waiting'] {
  const reserved = prepared.builtIn === null ? undefined : rules.contracts.governing(id, id.indexOf('/'))
  return (reserved?.contract ?? contract).coordination.waiting
}
