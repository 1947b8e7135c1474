/** A candidate as a part of a packet: its reference, its content as one JSON text, and what it speaks of. */
import { canonicalize, canonicalString, formatEventReference, readJson } from '@signalbox/contract'
import type { Candidate, DecisionCandidate, PartReference } from './input.ts'
import type { ResourceReference } from './packet.ts'

export function partReference(candidate: Candidate): PartReference {
  switch (candidate.kind) {
    case 'resource':
    case 'reservation':
      return `${candidate.kind}:${candidate.resource}`
    case 'decision':
      return `decision:${formatEventReference(candidate.event)}`
    case 'effect':
      return `effect:${candidate.effectId}`
    case 'note':
      return `note:${candidate.id}`
  }
}

/** A logical time as a model reads it best. */
export function timeText(time: number): string {
  return new Date(time).toISOString()
}

/** An object of members that are canonical JSON already: data of the depth that a record may have still fits. */
function objectText(members: Readonly<Record<string, string | null>>): string {
  const present = Object.keys(members).filter((name) => members[name] !== null)
  return `{${present
    .sort()
    .map((name) => `${canonicalString(name)}:${members[name]}`)
    .join(',')}}`
}

function scalar(value: string | number | boolean | null): string | null {
  return value === null ? null : canonicalize(value)
}

function jsonObject(text: string | null, path: string): string | null {
  if (text === null) return null
  const { value, canonical } = readJson(text, path)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(`${path} is no JSON object`)
  return canonical
}

/** Members that are null are left out: what is absent takes no room. */
function decisionJson(decision: DecisionCandidate): string {
  const actions = decision.actions.map(({ resource, action, input }, index) =>
    objectText({ resource: scalar(resource), action: scalar(action), input: jsonObject(input, `actions[${index}].input`) }),
  )
  return objectText({
    intentId: scalar(decision.intentId),
    agent: scalar(decision.agent),
    outcome: scalar(decision.outcome),
    actions: `[${actions.join(',')}]`,
    changes: decision.changes.length === 0 ? null : canonicalize(decision.changes.map(({ resource, version }) => ({ resource, version }))),
    code: scalar(decision.code),
    message: scalar(decision.message),
    time: scalar(timeText(decision.time)),
    correlationId: scalar(decision.correlationId),
    note: scalar(decision.note),
  })
}

/** The content of a part in RFC 8785 form, uncut. Throws JsonError, TypeError or RangeError where a field has no such form. */
export function partJson(candidate: Candidate): string {
  switch (candidate.kind) {
    case 'resource':
      return objectText({
        version: scalar(candidate.version),
        exists: candidate.version === 0 ? 'false' : null,
        state: scalar(candidate.state),
        data: jsonObject(candidate.data, 'data'),
      })
    case 'decision':
      return decisionJson(candidate)
    case 'reservation':
      return objectText({
        holder: scalar(candidate.holder),
        fencingToken: scalar(candidate.fencingToken),
        expires: scalar(timeText(candidate.expires)),
      })
    case 'effect':
      return objectText({
        resource: scalar(candidate.resource),
        action: scalar(candidate.action),
        agent: scalar(candidate.agent),
        status: scalar(candidate.status),
        reportBy: candidate.reportBy === null ? null : scalar(timeText(candidate.reportBy)),
      })
    case 'note':
      return objectText({ author: scalar(candidate.author), time: scalar(timeText(candidate.time)), text: scalar(candidate.text) })
  }
}

/** The changes that really were made: those of a shadowed intent were not. */
export function appliedChanges(candidate: Candidate): readonly ResourceReference[] {
  if (candidate.kind !== 'decision') return []
  return candidate.outcome === 'committed' || candidate.outcome === 'rule' ? candidate.changes : []
}

/** The resources that a candidate speaks of. */
export function mentioned(candidate: Candidate): readonly string[] {
  if (candidate.kind === 'note') return []
  if (candidate.kind !== 'decision') return [candidate.resource]
  return [...candidate.actions.map(({ resource }) => resource), ...candidate.changes.map(({ resource }) => resource)]
}

/** What two candidates have in common that say the same; null for those that never do. */
export function twinKey(candidate: Candidate): string | null {
  if (candidate.kind === 'note') return canonicalize(['note', candidate.author, candidate.text])
  // The same commit twice happened twice; the same reject twice tells nothing more.
  if (candidate.kind !== 'decision' || candidate.outcome !== 'rejected') return null
  return canonicalize([
    'reject',
    candidate.agent,
    candidate.code,
    candidate.actions.map(({ resource, action, input }) => [resource, action, jsonObject(input, 'input')]),
  ])
}
