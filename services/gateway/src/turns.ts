/** Who reads the log takes turns: many who read at once must not keep this process from deciding. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Whether somebody waits for a turn. */
  get isWanted(): boolean {
    return this.#waiting.size > 0
  }

  /** Runs one after its turn has come, in the order of the calls. Null where `signal` was aborted before. */
  async run<Result>(signal: AbortSignal, one: () => Promise<Result>): Promise<Result | null> {
    if (this.#free > 0) this.#free--
    else await this.#turn(signal)
    if (signal.aborted) {
      this.#next()
      return null
    }
    try {
      return await one()
    } finally {
      this.#next()
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const take = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        if (!this.#waiting.delete(take)) return
        // It never had a turn: as if it had given one back.
        this.#free--
        resolve()
      }
      this.#waiting.add(take)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #next(): void {
    const [first] = this.#waiting
    if (first === undefined) this.#free++
    else {
      this.#waiting.delete(first)
      first()
    }
  }
}
