/** The events that one record makes, one after another, each applied before the next is decided. */
import type { Event, EventBase } from '@signalbox/contract'
import { evolve } from '../evolve/evolve.ts'
import type { Rules } from '../rules/rules.ts'
import type { PartitionState } from '../state/state.ts'

/** What an event says, without where and when. */
export type Said = Event extends infer Each
  ? Each extends EventBase & { type: infer Type; payload: infer Payload }
    ? { readonly type: Type; readonly payload: Payload }
    : never
  : never

export type ScopedSaid = Said & { readonly scope: string }

export function eventOf(state: PartitionState, offset: number, index: number, nowMs: number, { payload, scope, type }: ScopedSaid): Event {
  return { partition: state.partition, offset, index, time: nowMs, scope, type, payload } as Event
}

export class Decisions {
  readonly state: PartitionState
  readonly rules: Rules
  readonly offset: number
  readonly nowMs: number
  readonly events: Event[] = []
  /** Roughly how much the events will take, in characters: a record must stay within what a log takes. */
  size = 0

  /** Inside a scratch layer of the state. */
  constructor(state: PartitionState, rules: Rules, offset: number, nowMs: number) {
    this.state = state
    this.rules = rules
    this.offset = offset
    this.nowMs = nowMs
  }

  emit(said: ScopedSaid): void {
    const event = eventOf(this.state, this.offset, this.events.length, this.nowMs, said)
    this.events.push(event)
    this.size += sizeOf(event)
    evolve(this.state, event)
  }

  /** Whether there is room for one more intent of the usual size; what finds none is decided with the next record. */
  get hasRoom(): boolean {
    return this.events.length < maxEvents && 3 * this.size < this.rules.limits.resultBytes
  }
}

/** An event's index must fit the memory of ids (255), that of the record's own decision and of what follows from it too. */
const maxEvents = 150

function sizeOf({ payload, type }: Event): number {
  switch (type) {
    case 'IntentCommitted':
    case 'IntentShadowed':
      return 512 + payload.intent.length + payload.changes.reduce((sum, { data }) => sum + 128 + data.length, 0)
    case 'RuleApplied':
      return (
        512 +
        payload.message.length +
        (payload.details?.length ?? 0) +
        payload.changes.reduce((sum, { data }) => sum + 128 + data.length, 0)
      )
    case 'IntentRejected':
      return 512 + payload.message.length + (payload.intent?.length ?? 0) + (payload.details?.length ?? 0)
    case 'IntentPending':
      return 512 + payload.intent.length + lengthOf(payload.resources)
    case 'WaitersExamined':
      return 512 + payload.waiting.reduce((sum, { resources }) => sum + 128 + lengthOf(resources), 0)
    default:
      return 512
  }
}

function lengthOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + 4 + name.length, 0)
}
