/** What a partition was told of pieces of work, as its events say. */
import type { PlainObject } from './intent.ts'

export const countsResource = 'correlation/counts'

/** What a partition was told of pieces of work. */
export class Works {
  // By work, then by partition.
  readonly #told = new Map<string, Map<number, { readonly count: number; readonly timeMs: number }>>()
  readonly #stoppedUntil = new Map<string, number>()

  note(action: string, { correlationId, count, exhausted, partition }: PlainObject, timeMs: number): void {
    const work = correlationId as string
    if (action === 'tell') {
      const told = this.#told.get(work) ?? new Map()
      this.#told.set(work, told.set(partition as number, { count: count as number, timeMs }))
    }
    if (exhausted !== null) this.#stoppedUntil.set(work, (exhausted as PlainObject).untilMs as number)
  }

  isStopped(work: string, nowMs: number): boolean {
    return (this.#stoppedUntil.get(work) ?? 0) > nowMs
  }

  toldByOthers(work: string, partition: number, since: number): number {
    const told = [...(this.#told.get(work) ?? [])]
    return told.reduce((sum, [other, { count, timeMs }]) => sum + (other !== partition && timeMs > since ? count : 0), 0)
  }
}
