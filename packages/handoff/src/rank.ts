/** In which order candidates are taken in, and why. */
import type { Candidate, PacketInput, PartReference } from './input.ts'
import { type InclusionReason, inclusionReasons } from './packet.ts'
import { appliedChanges } from './part.ts'

interface Rankable {
  readonly candidate: Candidate
  readonly reference: PartReference
  readonly reason: InclusionReason
}

export interface Rank {
  readonly reason: (candidate: Candidate, reference: PartReference) => InclusionReason
  /** A total order. */
  readonly compare: (a: Rankable, b: Rankable) => number
}

/** By UTF-16 units: the same on every host and in every locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The newest first, in the order of the log. Of two kinds neither is older: a reference begins with the kind, so it decides. */
function compareAge(a: Candidate, b: Candidate): number {
  if (a.kind === 'decision' && b.kind === 'decision')
    return b.time - a.time || b.event.partition - a.event.partition || b.event.offset - a.event.offset || b.event.index - a.event.index
  return a.kind === 'note' && b.kind === 'note' ? b.time - a.time : 0
}

export function rankOf({ task, required }: PacketInput, versions: ReadonlyMap<string, number>): Rank {
  const must = new Set(required)
  const named = new Set(task.resources)
  const isFocus = (resource: string) => named.has(resource) || must.has(`resource:${resource}`)

  function decisionReason(candidate: Candidate & { kind: 'decision' }): InclusionReason {
    const madeIt = appliedChanges(candidate).some(({ resource, version }) => isFocus(resource) && versions.get(resource) === version)
    if (madeIt) return 'LAST_CHANGE'
    return task.correlationId !== null && candidate.correlationId === task.correlationId ? 'SAME_CORRELATION' : 'OTHER_DECISION'
  }

  return {
    reason(candidate, reference) {
      if (must.has(reference)) return 'REQUIRED'
      switch (candidate.kind) {
        case 'resource':
          return isFocus(candidate.resource) ? 'NAMED' : 'OTHER_RESOURCE'
        case 'reservation':
        case 'effect':
          return isFocus(candidate.resource) ? 'IN_FORCE' : 'IN_FORCE_ELSEWHERE'
        case 'decision':
          return decisionReason(candidate)
        case 'note':
          return 'NOTE'
      }
    },
    compare(a, b) {
      return (
        inclusionReasons.indexOf(a.reason) - inclusionReasons.indexOf(b.reason) ||
        compareAge(a.candidate, b.candidate) ||
        compareText(a.reference, b.reference)
      )
    },
  }
}
