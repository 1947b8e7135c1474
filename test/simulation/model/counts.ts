/** Counts over a sliding window, from the times at which something happened. */

export class WindowCount {
  readonly #windowMs: number
  readonly #sums = new Map<number, number>()

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  add(timeMs: number, by = 1): void {
    const window = Math.floor(timeMs / this.#windowMs)
    this.#sums.set(window, (this.#sums.get(window) ?? 0) + by)
  }

  /** This window's sum, and of the one before it the part that still lies within. */
  at(timeMs: number): number {
    const window = Math.floor(timeMs / this.#windowMs)
    const left = 1 - (timeMs % this.#windowMs) / this.#windowMs
    return (this.#sums.get(window) ?? 0) + Math.floor((this.#sums.get(window - 1) ?? 0) * left)
  }

  /** With what another has counted of the same. */
  with(other: WindowCount | undefined): WindowCount {
    const both = new WindowCount(this.#windowMs)
    for (const sums of [this.#sums, other === undefined ? [] : other.#sums])
      for (const [window, sum] of sums) both.add(window * this.#windowMs, sum)
    return both
  }

  /** The sum of this window alone. */
  since(timeMs: number): number {
    return this.#sums.get(Math.floor(timeMs / this.#windowMs)) ?? 0
  }

  clear(): void {
    this.#sums.clear()
  }
}

/** What one agent did in one scope. */
export class ModelTally {
  readonly asked: WindowCount
  readonly rejects: WindowCount
  readonly amount: WindowCount
  readonly #windowMs: number
  #repeated = ''
  #repeats = 0
  #lastMs = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
    this.asked = new WindowCount(windowMs)
    this.rejects = new WindowCount(windowMs)
    this.amount = new WindowCount(windowMs)
  }

  /** How often the same reject came in a row, without a whole window of silence in between. */
  repeatsAt(timeMs: number): number {
    return this.#isSilent(timeMs) ? 0 : this.#repeats
  }

  /** Something was noted of the agent: the row of rejects does not end by silence. */
  touch(timeMs: number): void {
    if (this.#isSilent(timeMs)) this.endRow()
    this.#lastMs = timeMs
  }

  rejected(timeMs: number, what: string): void {
    this.touch(timeMs)
    this.#repeats = this.#repeated === what ? this.#repeats + 1 : 1
    this.#repeated = what
  }

  endRow(): void {
    this.#repeated = ''
    this.#repeats = 0
  }

  #isSilent(timeMs: number): boolean {
    return Math.floor(timeMs / this.#windowMs) - Math.floor(this.#lastMs / this.#windowMs) > 1
  }
}

export class KeyedCounts {
  readonly #windowMs: number
  readonly #counts = new Map<string, WindowCount>()

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  add(key: string, timeMs: number): void {
    const count = this.#counts.get(key) ?? new WindowCount(this.#windowMs)
    count.add(timeMs)
    this.#counts.set(key, count)
  }

  takeOver(from: KeyedCounts, isWanted: (key: string) => boolean): void {
    for (const [key, count] of from.#counts) if (isWanted(key)) this.#counts.set(key, count.with(this.#counts.get(key)))
  }

  /** Of the window that a time is in, and none before. */
  since(key: string, timeMs: number): number {
    return this.#counts.get(key)?.since(timeMs) ?? 0
  }

  at(key: string, timeMs: number): number {
    return this.#counts.get(key)?.at(timeMs) ?? 0
  }
}
