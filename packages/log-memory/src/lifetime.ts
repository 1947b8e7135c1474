import { LogError } from '@signalbox/log'

export type LifetimeState = 'open' | 'closed' | 'crashed'

/** How long a handle, a cursor or a writer lives. It ends once, and at the latest with its parent. */
export class Lifetime {
  readonly what: string
  readonly #listeners = new Set<() => void>()
  readonly #leaveParent: () => void
  #state: LifetimeState = 'open'

  constructor(what: string, parent?: Lifetime) {
    this.what = what
    if (parent !== undefined && parent.state !== 'open') this.#state = parent.state
    this.#leaveParent = parent?.onEnd(() => this.end(parent.state === 'crashed' ? 'crashed' : 'closed')) ?? (() => undefined)
  }

  get state(): LifetimeState {
    return this.#state
  }

  end(state: 'closed' | 'crashed'): void {
    if (this.#state !== 'open') return
    this.#state = state
    this.#leaveParent()
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }

  /** Calls the listener when the lifetime ends; returns how to take that back. */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  closedError(): LogError {
    return new LogError('CLOSED', `${this.what} is closed. Open a new one to go on.`)
  }

  /** Goes on while open, throws CLOSED once closed, and never answers once crashed: a dead process answers nothing. */
  async checkOpen(): Promise<void> {
    if (this.#state === 'closed') throw this.closedError()
    await this.checkAlive()
  }

  async checkAlive(): Promise<void> {
    if (this.#state === 'crashed') await new Promise<never>(() => undefined)
  }

  /** Waits for the end, then throws CLOSED (or never answers, after a crash). */
  async hang(): Promise<never> {
    if (this.#state === 'open') await new Promise<void>((resolve) => this.onEnd(resolve))
    await this.checkAlive()
    throw this.closedError()
  }
}
