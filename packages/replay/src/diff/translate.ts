/**
 * The same intent in another world. An agent names the versions that it had seen; where other intents were committed, the same
 * thing has another version there. What is the same is what made it: a version is translated by the record that led to it.
 */
import { canonicalize, type Event, type Intent } from '@signalbox/contract'
import type { PartitionState } from '@signalbox/core'

/** By resource: the record that made each version, in order. */
class Versions {
  readonly #made = new Map<string, number[]>()

  take(events: readonly Event[]): void {
    for (const { offset, payload, scope, type } of events) {
      if (type !== 'IntentCommitted' && type !== 'RuleApplied') continue
      for (const { resource } of payload.changes) {
        const key = `${scope}\u0000${resource}`
        const made = this.#made.get(key)
        if (made === undefined) this.#made.set(key, [offset])
        else made.push(offset)
      }
    }
  }

  of(key: string): readonly number[] {
    return this.#made.get(key) ?? []
  }
}

/** How many of a rising list come before `offset`. */
function countBefore(made: readonly number[], offset: number): number {
  let [low, high] = [0, made.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (made[middle]! < offset) low = middle + 1
    else high = middle
  }
  return low
}

export class Translator {
  // What versions were before the first record: the same in both worlds.
  readonly #before: ReadonlyMap<string, number>
  readonly #recorded = new Versions()
  readonly #candidate = new Versions()
  // Of intents that were translated: sent again, they must be the same again.
  readonly #translated = new Map<string, { readonly original: string; readonly intent: Intent }>()

  constructor(beginning: PartitionState) {
    this.#before = new Map([...beginning.resources()].map(([key, { version }]) => [key, version]))
  }

  /** What a record made, in each of the two worlds. */
  take(recorded: readonly Event[], candidate: readonly Event[]): void {
    this.#recorded.take(recorded)
    this.#candidate.take(candidate)
  }

  intent(intent: Intent, recorded: PartitionState, candidate: PartitionState): Intent {
    const original = canonicalize(JSON.parse(JSON.stringify(intent)))
    const before = this.#translated.get(intent.intentId)
    if (before?.original === original) return before.intent
    const { actions, reads, scope } = intent
    let isSame = true
    const version = (resource: string, from: number): number => {
      const to = this.#version(`${scope}\u0000${resource}`, from)
      if (to !== from) isSame = false
      return to
    }
    const translated: Intent = {
      ...intent,
      actions: actions.map((action) => ({
        ...action,
        expectedVersion: action.expectedVersion === null ? null : version(action.resource, action.expectedVersion),
        input: this.#input(scope, action, recorded, candidate),
      })),
      reads: reads.map(({ resource, version: from }) => ({ resource, version: version(resource, from) })),
    }
    if (isSame && translated.actions.every(({ input }, index) => input === actions[index]!.input)) return intent
    this.#translated.set(intent.intentId, { original, intent: translated })
    return translated
  }

  /**
   * The version that who had seen `from` would have seen there: the last that the record which made it, or one before it, led to. One
   * that nobody had made yet is as far ahead there.
   */
  #version(key: string, from: number): number {
    const first = this.#before.get(key) ?? 0
    return from <= first ? from : first + this.#versionSince(key, from - first)
  }

  #versionSince(key: string, from: number): number {
    const recorded = this.#recorded.of(key)
    const candidate = this.#candidate.of(key)
    const offset = recorded[from - 1]
    if (offset === undefined) return candidate.length + (from - recorded.length)
    // Of several that one record made, the same in order.
    const place = from - countBefore(recorded, offset)
    const before = countBefore(candidate, offset)
    const there = countBefore(candidate, offset + 1) - before
    return before + Math.min(place, there)
  }

  /** A verdict names the digest of what its human saw: there, of what would have been seen. */
  #input(
    scope: string,
    { action, input, resource }: Intent['actions'][number],
    recorded: PartitionState,
    candidate: PartitionState,
  ): string {
    if (!resource.startsWith('escalation/') || (action !== 'approve' && action !== 'amend')) return input
    const verdict = JSON.parse(input) as { readonly digest?: string }
    const digestIn = (state: PartitionState) =>
      (JSON.parse(state.resourceIn(scope, resource)?.data ?? '{}') as { readonly digest?: string }).digest
    const there = digestIn(candidate)
    if (verdict.digest === undefined || verdict.digest !== digestIn(recorded) || there === undefined || there === verdict.digest)
      return input
    return canonicalize({ ...verdict, digest: there })
  }
}
