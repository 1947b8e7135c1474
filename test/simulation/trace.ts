/** What a run did, step by step, as one hash: two runs of a seed that differ anywhere have different hashes. */
import { createHash } from 'node:crypto'

export class Trace {
  readonly #hash = createHash('sha256')
  readonly #nowMs: () => number
  readonly #print: ((line: string) => void) | null
  #steps = 0
  // Hashed in large pieces, which costs far less.
  #pending = ''

  /** `print` gets every line as well; null where nobody wants to read along. */
  constructor(nowMs: () => number, print: ((line: string) => void) | null) {
    this.#nowMs = nowMs
    this.#print = print
  }

  get steps(): number {
    return this.#steps
  }

  note(line: string): void {
    this.#steps++
    const text = `${this.#nowMs()} ${line}\n`
    this.#print?.(text)
    this.#pending += text
    if (this.#pending.length > 32_768) this.#flush()
  }

  #flush(): void {
    this.#hash.update(this.#pending)
    this.#pending = ''
  }

  digest(): string {
    this.#flush()
    return this.#hash.digest('hex')
  }
}
