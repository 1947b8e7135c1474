/** What goes in and what stays out: by rank, each part whole or not at all. */
import { packetLimits } from './input.ts'
import type { OmissionReason } from './packet.ts'
import type { Size } from './packet-error.ts'
import { appliedChanges, mentioned, twinKey } from './part.ts'
import type { RankedPart } from './prepare.ts'

/** A candidate with the size of its block in the text. */
export interface MeasuredPart extends RankedPart {
  readonly size: Size
}

export interface OmittedPart {
  readonly part: MeasuredPart
  readonly reason: OmissionReason
  /** Whether the packet names it; else it is counted. */
  readonly isNamed: boolean
}

export interface Selection {
  readonly included: readonly MeasuredPart[]
  /** By rank. */
  readonly omitted: readonly OmittedPart[]
}

export interface Room {
  /** Taken before any part is in: the frame. */
  readonly frame: Size
  /** Kept free for the list of what is left out, its lines aside. */
  readonly reserve: Size
  /** What frame, parts, lines and reserve may take together. */
  readonly allowance: Size
  readonly omissionLine: (part: MeasuredPart, reason: OmissionReason) => Size
}

export function plus(a: Size, b: Size): Size {
  return { tokens: a.tokens + b.tokens, bytes: a.bytes + b.bytes }
}

/** What is in so far, and what that makes superfluous. */
class Included {
  readonly parts: MeasuredPart[] = []
  readonly #twins = new Set<string>()
  readonly #versions = new Map<string, number>()
  readonly #mentioned = new Set<string>()

  add(part: MeasuredPart): void {
    this.parts.push(part)
    const twin = twinKey(part.candidate)
    if (twin !== null) this.#twins.add(twin)
    for (const resource of mentioned(part.candidate)) this.#mentioned.add(resource)
    if (part.candidate.kind === 'resource') this.#versions.set(part.candidate.resource, part.candidate.version)
  }

  /** Whether the packet would speak of more resources than it may. */
  isTooWideWith({ candidate }: MeasuredPart): boolean {
    const more = new Set(mentioned(candidate).filter((resource) => !this.#mentioned.has(resource)))
    return more.size > 0 && this.#mentioned.size + more.size > packetLimits.references
  }

  superfluous({ candidate }: MeasuredPart): OmissionReason | null {
    const twin = twinKey(candidate)
    if (twin !== null && this.#twins.has(twin)) return 'DUPLICATE'
    const changes = appliedChanges(candidate)
    const isOld = changes.length > 0 && changes.every(({ resource, version }) => (this.#versions.get(resource) ?? 0) > version)
    return isOld ? 'SUPERSEDED' : null
  }
}

/**
 * Takes what is required, then by rank what fits. A part without room is named at once, if its line has room, so that a
 * part of a lower rank never takes the place of the news that one of a higher rank is missing; what is superfluous is
 * named last.
 */
export function select(ranked: readonly MeasuredPart[], { frame, reserve, allowance, omissionLine }: Room): Selection {
  const included = new Included()
  const reasons = new Map<MeasuredPart, OmissionReason>()
  const named = new Set<MeasuredPart>()
  let used = plus(frame, reserve)
  const isOver = (size: Size): OmissionReason | null =>
    used.tokens + size.tokens > allowance.tokens ? 'OVER_TOKENS' : used.bytes + size.bytes > allowance.bytes ? 'OVER_BYTES' : null
  const overOf = (part: MeasuredPart): OmissionReason | null =>
    isOver(part.size) ?? (included.isTooWideWith(part) ? 'OVER_REFERENCES' : null)
  const tryToName = (part: MeasuredPart, reason: OmissionReason): void => {
    if (named.size >= packetLimits.namedOmissions) return
    const line = omissionLine(part, reason)
    if (isOver(line) !== null) return
    named.add(part)
    used = plus(used, line)
  }
  for (const part of ranked) {
    const superfluous = part.reason === 'REQUIRED' ? null : included.superfluous(part)
    const over = part.reason === 'REQUIRED' || superfluous !== null ? null : overOf(part)
    if (superfluous === null && over === null) {
      included.add(part)
      used = plus(used, part.size)
      continue
    }
    reasons.set(part, (superfluous ?? over)!)
    if (over !== null) tryToName(part, over)
  }
  for (const [part, reason] of reasons) if (reason === 'DUPLICATE' || reason === 'SUPERSEDED') tryToName(part, reason)
  return {
    included: included.parts,
    omitted: [...reasons].map(([part, reason]) => ({ part, reason, isNamed: named.has(part) })),
  }
}
