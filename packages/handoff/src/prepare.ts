/** Candidates, checked and put in the order of their ranks. Nothing here depends on the order in which they came. */
import { isResourceName, isScope, isTraceId, parseEventReference, utf8Length } from '@signalbox/contract'
import { type Candidate, type PacketInput, type PartReference, packetLimits } from './input.ts'
import type { InclusionReason, ResourceReference } from './packet.ts'
import { PacketError } from './packet-error.ts'
import { appliedChanges, mentioned, partJson, partReference } from './part.ts'
import { rankOf } from './rank.ts'

export interface RankedPart {
  readonly candidate: Candidate
  readonly reference: PartReference
  /** Why it would be in. */
  readonly reason: InclusionReason
  readonly json: string
}

export interface Prepared {
  /** By rank, each reference once. */
  readonly parts: readonly RankedPart[]
  /** The version of every resource that a candidate knows the version of. */
  readonly versions: ReadonlyMap<string, number>
}

function refuse(what: string, why: string): never {
  throw new PacketError('INPUT_INVALID', `${what} ${why}`)
}

function checkFrame({ scope, position, time, task, budget, fetch, required }: PacketInput): void {
  for (const [name, value] of Object.entries({ tokens: budget.tokens, bytes: budget.bytes }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new PacketError('BUDGET_INVALID', `the budget of ${value} ${name} is none; give a whole number from 1`)
  if (!isScope(scope)) refuse('the scope', 'is no scope; give 1 to 200 characters without controls')
  if (!/^\d{1,6}:\d{1,15}$/.test(position)) refuse(`the position ${JSON.stringify(position)}`, 'is none; give partition:offset')
  checkTime(time, 'the time of the packet')
  for (const [name, text] of Object.entries({ purpose: task.purpose, 'fetch.part': fetch.part, 'fetch.rest': fetch.rest }))
    if (text.length === 0 || text.length > packetLimits.textLength || !text.isWellFormed())
      refuse(`the text of ${name}`, `must be 1 to ${packetLimits.textLength} units of well-formed Unicode; say it shorter`)
  for (const [name, text] of Object.entries({ from: task.from, to: task.to, correlationId: task.correlationId }))
    if (text !== null && !isTraceId(text)) refuse(`${name} of the task`, 'must be 1 to 200 characters without controls')
  if (required.length > packetLimits.candidates)
    refuse('the list of required parts', `has ${required.length} entries; at most ${packetLimits.candidates}`)
}

function checkTime(time: number, what: string): void {
  if (!Number.isSafeInteger(time) || Math.abs(time) > 8.64e15) refuse(what, `is ${time}; give milliseconds since 1970`)
}

function checkCandidate(candidate: Candidate, reference: PartReference): void {
  for (const resource of mentioned(candidate))
    if (!isResourceName(resource)) refuse(`the candidate ${reference}`, `names ${JSON.stringify(resource)}, which is no type/id`)
  if (candidate.kind === 'decision' && parseEventReference(reference.slice('decision:'.length)) === null)
    refuse(`the candidate ${reference}`, 'has no usable event reference; give the partition, offset and index of its event')
  if (candidate.kind === 'note' && !isTraceId(candidate.id)) refuse(`the note ${JSON.stringify(candidate.id)}`, 'has no usable id')
  if (candidate.kind === 'effect' && !isTraceId(candidate.effectId))
    refuse(`the effect ${JSON.stringify(candidate.effectId)}`, 'has no usable id')
  const times = { time: 'time' in candidate ? candidate.time : 0, expires: 'expires' in candidate ? candidate.expires : 0 }
  for (const [name, time] of Object.entries(times)) checkTime(time, `${name} of the candidate ${reference}`)
  if (candidate.kind === 'effect' && candidate.reportBy !== null) checkTime(candidate.reportBy, `reportBy of the candidate ${reference}`)
  const numbers: number[] = appliedChanges(candidate).map(({ version }) => version)
  if (candidate.kind === 'resource') numbers.push(candidate.version)
  if (candidate.kind === 'reservation') numbers.push(candidate.fencingToken)
  if (numbers.some((number) => !Number.isSafeInteger(number) || number < 0))
    refuse(`the candidate ${reference}`, 'has a version or fencing token that is no whole number from 0')
}

function jsonOf(candidate: Candidate, reference: PartReference): string {
  try {
    return partJson(candidate)
  } catch (cause) {
    throw new PacketError('INPUT_INVALID', `the candidate ${reference} has no JSON form: ${(cause as Error).message}; mend it`, { cause })
  }
}

/** Each reference once. The same candidate given twice is one candidate; two that differ are a mistake of the caller. */
function unique(candidates: readonly Candidate[]): Map<PartReference, { candidate: Candidate; json: string }> {
  const found = new Map<PartReference, { candidate: Candidate; json: string }>()
  let bytes = 0
  for (const candidate of candidates) {
    const reference = partReference(candidate)
    checkCandidate(candidate, reference)
    const json = jsonOf(candidate, reference)
    const known = found.get(reference)
    if (known !== undefined && known.json !== json)
      throw new PacketError(
        'CANDIDATES_CONTRADICT',
        `two candidates are ${reference} and differ; read all candidates at the one position of the packet`,
      )
    if (known !== undefined) continue
    bytes += utf8Length(json)
    if (bytes > packetLimits.candidateBytes)
      throw new PacketError(
        'TOO_MANY_CANDIDATES',
        `the candidates have more than ${packetLimits.candidateBytes} bytes; offer fewer, the rest can be fetched`,
      )
    found.set(reference, { candidate, json })
  }
  return found
}

/** Of every resource, the version at the position. A change beyond what the resource is candidate with cannot be. */
function versionsOf(candidates: Iterable<Candidate>): Map<string, number> {
  const changed = new Map<string, number>()
  const exact = new Map<string, number>()
  for (const candidate of candidates) {
    if (candidate.kind === 'resource') exact.set(candidate.resource, candidate.version)
    for (const { resource, version } of appliedChanges(candidate)) changed.set(resource, Math.max(version, changed.get(resource) ?? 0))
  }
  for (const [resource, version] of changed) {
    const known = exact.get(resource)
    if (known !== undefined && known < version)
      throw new PacketError(
        'CANDIDATES_CONTRADICT',
        `${resource} is a candidate at version ${known}, and a decision that led to ${version} is too; read both at one position`,
      )
  }
  return new Map([...changed, ...exact])
}

function checkReferences({ task, required }: PacketInput, known: ReadonlyMap<PartReference, unknown>): void {
  const asked = [...required, ...task.resources.map((resource) => `resource:${resource}`)]
  const missing = [...new Set(asked)].filter((reference) => !known.has(reference)).sort()
  if (missing.length > 0)
    throw new PacketError(
      'REFERENCE_UNKNOWN',
      `${missing.slice(0, 8).join(', ')}${missing.length > 8 ? ` and ${missing.length - 8} more` : ''}: required or named by the task, but no candidate; add it (a resource that does not exist has version 0)`,
    )
}

function checkWidth(candidates: readonly Candidate[]): void {
  const { size } = new Set(candidates.flatMap(mentioned))
  if (size > packetLimits.references)
    refuse('the list of required parts', `speaks of ${size} resources; a packet may rely on ${packetLimits.references}, so require fewer`)
}

/** Checks an input and ranks its candidates. Throws PacketError. */
export function prepare(input: PacketInput): Prepared {
  checkFrame(input)
  if (input.candidates.length > packetLimits.candidates)
    throw new PacketError(
      'TOO_MANY_CANDIDATES',
      `there are ${input.candidates.length} candidates, more than ${packetLimits.candidates}; offer fewer, the rest can be fetched`,
    )
  const found = unique(input.candidates)
  checkReferences(input, found)
  const versions = versionsOf([...found.values()].map(({ candidate }) => candidate))
  const rank = rankOf(input, versions)
  const parts = [...found]
    .map(([reference, { candidate, json }]) => ({ candidate, reference, json, reason: rank.reason(candidate, reference) }))
    .sort(rank.compare)
  checkWidth(parts.filter(({ reason }) => reason === 'REQUIRED').map(({ candidate }) => candidate))
  return { parts, versions }
}

/** What a set of parts relies on, by name. */
export function referencesOf(parts: readonly RankedPart[], versions: ReadonlyMap<string, number>): ResourceReference[] {
  const names = new Set(parts.flatMap(({ candidate }) => mentioned(candidate)))
  return [...names]
    .filter((resource) => versions.has(resource))
    .sort()
    .map((resource) => ({ resource, version: versions.get(resource)! }))
}
