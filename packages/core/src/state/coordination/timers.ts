/**
 * What is due when: a binary heap over the timers in force. A timer that was changed or ended leaves its old entry in the
 * heap, where it counts for nothing: an entry counts while the timer of its key is still due at its time. What counts for
 * nothing may be thrown away at any time, as a timer that a dropped layer brings back gets an entry anew.
 */
import type { Journal } from './journal.ts'

export interface DurableTimer {
  readonly dueMs: number
  readonly scope: string
  /** The resource whose timer it is, as type/id; or the pending intent whose time ends then. */
  readonly resource: string | null
  readonly intentId: string | null
  /** What the clock does to the resource. */
  readonly action: string
}

interface Entry {
  readonly dueMs: number
  readonly key: string
}

/** Before this many entries that count for nothing, the heap is not made anew. */
const leastStale = 64

/** The timer of an intent's wait. */
export function pendingTimerKey(intentId: string): string {
  return `\u0001pending\u0001${intentId}`
}

export class Timers {
  readonly #journal: Journal
  readonly #timers = new Map<string, DurableTimer>()
  #heap: Entry[] = []

  constructor(journal: Journal) {
    this.#journal = journal
    journal.whenTakenBack(this.#timers, (key, { dueMs }) => this.#push({ dueMs, key }))
  }

  get size(): number {
    return this.#timers.size
  }

  get(key: string): DurableTimer | undefined {
    return this.#timers.get(key)
  }

  set(key: string, timer: DurableTimer): void {
    this.#journal.set(this.#timers, key, timer)
    this.#push({ dueMs: timer.dueMs, key })
  }

  end(key: string): void {
    if (this.#timers.has(key)) this.#journal.set(this.#timers, key, undefined)
  }

  /** The time of the earliest timer in force; Infinity where there is none. */
  get nextMs(): number {
    while (this.#heap.length > 0) {
      const top = this.#heap[0]!
      if (this.#counts(top)) return top.dueMs
      this.#pop()
    }
    return Number.POSITIVE_INFINITY
  }

  /** Up to `most` timers that are due, by time and then by key, without those in `except`. */
  due(nowMs: number, most: number, except: ReadonlySet<string>): readonly (readonly [string, DurableTimer])[] {
    if (this.nextMs > nowMs) return []
    const taken: Entry[] = []
    const found: (readonly [string, DurableTimer])[] = []
    // An entry may be there twice.
    const dropped = new Set<string>()
    while (this.#heap.length > 0 && this.#heap[0]!.dueMs <= nowMs && found.length < most) {
      const entry = this.#pop()
      if (!this.#counts(entry) || dropped.has(entry.key)) continue
      dropped.add(entry.key)
      taken.push(entry)
      if (!except.has(entry.key)) found.push([entry.key, this.#timers.get(entry.key)!])
    }
    for (const entry of taken) this.#sift(entry)
    return found
  }

  #counts({ dueMs, key }: Entry): boolean {
    return this.#timers.get(key)?.dueMs === dueMs
  }

  #push(entry: Entry): void {
    this.#sift(entry)
    // Made anew where most of it counts for nothing: its size is bounded by that of what is in force.
    if (this.#heap.length <= 2 * this.#timers.size + leastStale) return
    this.#heap = []
    for (const [key, { dueMs }] of this.#timers) this.#sift({ dueMs, key })
  }

  #sift(entry: Entry): void {
    const heap = this.#heap
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  #pop(): Entry {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    const { length } = heap
    if (length === 0) return top
    let index = 0
    for (let child = 1; child < length; child = 2 * index + 1) {
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return top
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.key < b.key)
}
