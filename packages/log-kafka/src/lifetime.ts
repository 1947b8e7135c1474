import { closedError } from './errors.ts'

/** How long something lives; its signal is aborted with a LogError CLOSED as the reason. It ends at the latest with its parent. */
export class Lifetime {
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #what: string

  constructor(what: string, parent?: AbortSignal) {
    this.#what = what
    this.signal = this.#controller.signal
    if (parent === undefined) return
    const endWithParent = () => this.end()
    if (parent.aborted) this.end()
    else parent.addEventListener('abort', endWithParent, { once: true, signal: this.signal })
  }

  get ended(): boolean {
    return this.signal.aborted
  }

  end(): void {
    if (!this.ended) this.#controller.abort(closedError(this.#what))
  }

  /** Throws CLOSED once it has ended. */
  check(): void {
    if (this.ended) throw this.signal.reason
  }
}
