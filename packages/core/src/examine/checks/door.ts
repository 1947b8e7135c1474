/** What an intent must be before anything of it is looked at: in the right place, well-formed, new. */
import {
  agentNameText,
  bounds,
  boundText,
  formatEventReference,
  generationResource,
  type Intent,
  idProblem,
  isActionName,
  isAgentName,
  isSystemScope,
  isWithin,
  lengths,
  type NumberBound,
  nameProblem,
  partitionOf,
  resourceNameProblem,
  textProblem,
  unitOfIdTime,
  utf8Length,
  uuidTimeMs,
} from '@signalbox/contract'
import { canonicalIntent, digestedText } from '../canonical-intent.ts'
import type { Check } from '../check.ts'
import type { Duplicate, Examination } from '../examination.ts'
import type { Rejection } from '../rejection.ts'

export const partition: Check = {
  name: 'partition',
  run({ intent, rules, state }) {
    const right = partitionOf(intent.scope, rules.partitionCount)
    if (right === state.partition) return null
    return {
      code: 'WRONG_PARTITION',
      message: `scope ${intent.scope} belongs on partition ${right} of ${rules.partitionCount}, and this record lies on partition ${state.partition}; send it again with the scope as key and the partitioner murmur2 (librdkafka: partitioner=murmur2_random)`,
      details: { rightPartition: right, partition: state.partition, partitionCount: rules.partitionCount },
    }
  },
  seen: ({ intent, rules }) => ({
    scope: intent.scope,
    partition: partitionOf(intent.scope, rules.partitionCount),
    partitionCount: rules.partitionCount,
  }),
}

function malformed(field: string, problem: string): Rejection {
  return { code: 'INTENT_MALFORMED', message: `${field} ${problem}`, details: { field } }
}

function outside(field: string, bound: NumberBound): Rejection {
  return malformed(field, `must be ${boundText(bound)}`)
}

export const wellFormed: Check = {
  name: 'well-formed',
  run(examination) {
    const { intent, rules } = examination
    const { limits } = rules
    const scopeProblem = nameProblem(intent.scope, lengths.scope)
    if (scopeProblem !== null) return malformed('scope', scopeProblem)
    if (!isAgentName(intent.agent)) return malformed('agent', `must be ${agentNameText}`)
    if (intent.actions.length > limits.actions)
      return malformed('actions', `has ${intent.actions.length} entries, more than the ${limits.actions} of the limit; split the intent`)
    if (intent.reads.length > limits.reads)
      return malformed(
        'reads',
        `has ${intent.reads.length} entries, more than the ${limits.reads} of the limit; keep what the reasoning stood on`,
      )
    if (intent.actions.length === 0) return malformed('actions', 'is empty; ask for at least one action')
    const correlationProblem = isOwnCorrelation(examination) ? null : nameProblem(intent.correlationId, lengths.traceId)
    if (correlationProblem !== null) return malformed('correlationId', correlationProblem)
    return optionalFields(examination) ?? entries(examination)
  },
}

// An id that is a UUID needs no second look.
function isOwnCorrelation({ intent, state }: Examination): boolean {
  return intent.correlationId === intent.intentId && state.idWords(intent.intentId) !== null
}

function optionalFields({ intent, rules }: Examination): Rejection | null {
  const { causationDepth, causationId, confidence, deadline, note, priority, reservation, signature } = intent
  const causationProblem = causationId === null ? null : nameProblem(causationId, lengths.traceId)
  if (causationProblem !== null) return malformed('causationId', causationProblem)
  const reservationProblem = reservation === null ? null : nameProblem(reservation, lengths.traceId)
  if (reservationProblem !== null) return malformed('reservation', reservationProblem)
  if (causationDepth !== null && !isWithin(bounds.depth, causationDepth)) return outside('causationDepth', bounds.depth)
  if (confidence !== null && !isWithin(bounds.confidence, confidence)) return outside('confidence', bounds.confidence)
  if (deadline !== null && !isWithin(bounds.timeMs, deadline)) return outside('deadline', bounds.timeMs)
  if (priority !== null && !isWithin(bounds.priority, priority)) return outside('priority', bounds.priority)
  if (note !== null && note.length > rules.limits.noteLength)
    return malformed('note', `has ${note.length} characters, more than the ${rules.limits.noteLength} of the limit`)
  const noteProblem = note === null ? null : textProblem(note)
  if (noteProblem !== null) return malformed('note', noteProblem)
  if (signature !== null && signature.length > lengths.signature)
    return malformed('signature', `has ${signature.length} characters, more than the ${lengths.signature} of the limit`)
  return null
}

function entries({ intent, rules }: Examination): Rejection | null {
  for (let index = 0; index < intent.actions.length; index++) {
    const { action, expectedVersion, input, resource } = intent.actions[index]!
    const problem = resourceNameProblem(resource)
    if (problem !== null) return malformed(`actions[${index}].resource`, problem)
    if (!isActionName(action))
      return malformed(`actions[${index}].action`, 'must be up to 64 letters, digits, dashes and underscores, starting with a letter')
    if (expectedVersion !== null && !isWithin(bounds.version, expectedVersion))
      return outside(`actions[${index}].expectedVersion`, bounds.version)
    if (3 * input.length > rules.limits.inputBytes && utf8Length(input) > rules.limits.inputBytes) {
      return malformed(
        `actions[${index}].input`,
        `has more than the ${rules.limits.inputBytes} bytes of the limit; send large content by reference and digest`,
      )
    }
  }
  for (let index = 0; index < intent.reads.length; index++) {
    const { resource, version } = intent.reads[index]!
    const problem = resourceNameProblem(resource)
    if (problem !== null) return malformed(`reads[${index}].resource`, problem)
    if (!isWithin(bounds.version, version)) return outside(`reads[${index}].version`, bounds.version)
  }
  return null
}

/** An id is not forgotten while its intent is pending. */
function pendingOf({ digest, intent, state }: Examination): Duplicate | undefined {
  const { pending } = state.coordination
  const found = pending.size === 0 ? undefined : pending.get(intent.intentId)
  if (found === undefined) return undefined
  return { ...found.since, code: null, isSameBody: found.digest === digest, isPending: true }
}

function decidedBefore({ digest, intent, state }: Examination): Duplicate | undefined {
  const found = state.decision(intent.intentId, digest)
  return found === undefined ? undefined : { ...found, isPending: false }
}

function fromTheFuture(intentId: string, idTimeMs: number, nowMs: number, clockSkewMs: number): string {
  const unit = unitOfIdTime(idTimeMs, nowMs)
  if (unit !== null) return `the id of intent ${intentId} ${unit}`
  return `the id of intent ${intentId} is ${idTimeMs - nowMs} ms ahead of the log, more than the ${clockSkewMs} ms allowed; set the clock of its agent and send it with a new id`
}

function expiredId(intentId: string, idTimeMs: number, nowMs: number, identityHorizonMs: number): string {
  const unit = unitOfIdTime(idTimeMs, nowMs)
  if (unit !== null) return `the id of intent ${intentId} ${unit}`
  return `the id of intent ${intentId} is ${nowMs - idTimeMs} ms old, and ids are remembered for ${identityHorizonMs} ms, so it might have been decided before; look it up, and send it with a new id if it was not`
}

export const identity: Check = {
  name: 'identity',
  run(examination) {
    const { intent, nowMs, rules, state } = examination
    const idWords = state.idWords(intent.intentId)
    const canonical = canonicalIntent(intent, idWords !== null)
    if (3 * canonical.length > rules.limits.intentBytes && utf8Length(canonical) > rules.limits.intentBytes) {
      return malformed(
        'the intent',
        `has a canonical form of more than the ${rules.limits.intentBytes} bytes of the limit; send large content by reference and digest`,
      )
    }
    examination.canonical = canonical
    examination.digest = rules.sha256(digestedText(intent, canonical, idWords !== null))
    if (idWords === null) {
      return {
        code: 'INTENT_ID_INVALID',
        message: `intentId ${JSON.stringify(intent.intentId.slice(0, 64))} ${idProblem(intent.intentId)}`,
      }
    }
    const idTimeMs = uuidTimeMs(idWords)
    const { clockSkewMs, identityHorizonMs } = rules.limits
    if (idTimeMs > nowMs + clockSkewMs) {
      return {
        code: 'INTENT_FROM_THE_FUTURE',
        message: fromTheFuture(intent.intentId, idTimeMs, nowMs, clockSkewMs),
        details: { idTimeMs, nowMs },
      }
    }
    if (idTimeMs < nowMs - identityHorizonMs && pendingOf(examination) === undefined) {
      return {
        code: 'INTENT_EXPIRED',
        message: expiredId(intent.intentId, idTimeMs, nowMs, identityHorizonMs),
        details: { idTimeMs, nowMs },
      }
    }
    const known = pendingOf(examination) ?? decidedBefore(examination)
    if (known === undefined) return null
    if (known.isSameBody) {
      examination.duplicateOf = known
      return null
    }
    const { index, offset, partition } = known
    const decision = { partition, offset, index }
    return {
      code: 'INTENT_ID_REUSED',
      message: `intentId ${intent.intentId} was used before with another body (event ${formatEventReference(decision)}); make a new id for a new intent`,
      details: { decision },
    }
  },
  seen({ digest, duplicateOf, intent, nowMs, state }) {
    const idWords = state.idWords(intent.intentId)
    return {
      digest,
      ageMs: idWords === null ? null : nowMs - uuidTimeMs(idWords),
      ...(duplicateOf === undefined ? {} : { decidedAtOffset: duplicateOf.offset }),
    }
  },
}

/** What was decided before the log was closed is said again; nothing new is, but that it is open. */
export const generation: Check = {
  name: 'generation',
  run({ intent, state }) {
    const { closed } = state.coordination
    if (closed === null || reopens(intent)) return null
    return {
      code: 'GENERATION_CLOSED',
      message: `this log was closed by ${closed.by} and goes on as ${closed.next}: ${closed.reason}. Nothing more is decided here; send the intent there, its id is free`,
      details: { next: closed.next, by: closed.by, reason: closed.reason, sinceMs: closed.sinceMs },
    }
  },
  seen: ({ state: { coordination } }) => ({ closed: coordination.closed !== null, next: coordination.closed?.next ?? null }),
}

function reopens({ actions, scope }: Intent): boolean {
  return isSystemScope(scope) && actions.length === 1 && actions[0]!.resource === generationResource && actions[0]!.action === 'reopen'
}
