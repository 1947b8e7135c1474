/** Reads the live rows all the time, as users do: there must always be some, and none may ever go back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { maxPageRows, type ProjectionStore } from '@signalbox/projection-store'

interface Seen {
  readonly generation: number
  readonly counted: number
  readonly offsets: readonly number[]
}

export class Onlooker {
  readonly #store: ProjectionStore
  readonly #name: string
  readonly gaps: string[] = []
  readonly #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()
  looks = 0
  swaps = 0

  constructor(store: ProjectionStore, name: string) {
    this.#store = store
    this.#name = name
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  /** Changes that the rows have counted. */
  async counted(): Promise<number> {
    return (await this.#look()).counted
  }

  async #run(): Promise<void> {
    let before: Seen | null = null
    while (!this.#abort.signal.aborted) {
      try {
        const seen = await this.#look()
        this.looks++
        if (before !== null) this.#compare(before, seen)
        before = seen
      } catch (error) {
        this.gaps.push(`a look failed: ${(error as Error).message}`)
      }
      await sleep(5)
    }
  }

  #compare(before: Seen, seen: Seen): void {
    if (seen.generation !== before.generation) this.swaps++
    if (seen.counted < before.counted)
      this.gaps.push(`generation ${seen.generation} counts ${seen.counted}, and ${before.generation} had ${before.counted}`)
    for (const [partition, offset] of before.offsets.entries())
      if (seen.offsets[partition]! < offset) this.gaps.push(`partition ${partition} went back from ${offset} to ${seen.offsets[partition]}`)
  }

  async #look(): Promise<Seen> {
    return await this.#store.snapshot(this.#name, null, async (snapshot) => {
      let counted = 0
      for (let after: string | undefined; ; ) {
        const rows = await snapshot.rows('scopes', { limit: maxPageRows, ...(after === undefined ? {} : { after }) })
        for (const { text } of rows) counted += (JSON.parse(text) as { changes: number }).changes
        if (rows.length < maxPageRows) break
        after = rows.at(-1)!.key
      }
      const { generation, positions } = snapshot.generation
      return { generation, counted, offsets: positions.map(({ logOffset }) => logOffset) }
    })
  }
}
