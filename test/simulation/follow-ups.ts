/** What must still follow within a record, by the model: the next of it first. */
import type { Consequences, Following, Judged, Later } from './model/consequences.ts'

export class FollowUps {
  readonly #consequences: Consequences
  #later: readonly Later[] = []
  #next: Following | null = null

  constructor(consequences: Consequences) {
    this.#consequences = consequences
  }

  /** The next; null where nothing need follow any more. */
  next(): Following | null {
    while (this.#next === null && this.#later.length > 0) {
      const [first, ...rest] = this.#later
      this.#later = rest
      this.#next = first!()
    }
    return this.#next
  }

  /** The next has come. */
  done(): void {
    const next = this.#next
    this.#next = null
    if (next?.kind === 'rule' && next.next !== undefined) this.#later = [next.next, ...this.#later]
  }

  /** What follows from an event comes before what was to follow anyway. */
  add(judged: Judged): void {
    this.#later = [...this.#consequences.of(judged), ...this.#later]
  }

  /** A record ends, or the log has gone another way: nothing is expected any more. */
  clear(): void {
    this.#later = []
    this.#next = null
  }
}

export function said(next: Following): string {
  switch (next.kind) {
    case 'rule':
      return `the rule ${next.rule} (${next.changes.map(({ action, resource }) => `${action} ${resource}`).join(', ')})`
    case 'rejected':
      return `the end of ${next.intentId} with ${next.code}`
    case 'agreed':
      return `the commit of ${next.intentId}, on which a human agreed`
    case 'amended':
      return `the commit of what a human put in place of ${next.pending.intent.intentId}`
  }
}
