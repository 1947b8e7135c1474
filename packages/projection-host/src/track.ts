/** A generation on its way along the log: folds chunk after chunk, and commits rows and position together. */
import type { Projection } from '@signalbox/projection'
import { Fold } from '@signalbox/projection/fold'
import type { Mutation, PartitionPosition, ProjectionWriter, StoredGeneration, StoredParkedEvent } from '@signalbox/projection-store'
import type { Chunk } from './feed.ts'

export interface Retried {
  readonly folded: number
  /** Why the next one of the key still cannot be folded; null where none is left. */
  readonly failure: string | null
}

export class Track {
  readonly generation: number
  readonly #writer: ProjectionWriter
  readonly #fold: Fold
  readonly #positions: PartitionPosition[]
  #failure: unknown = null
  /** Folded since this process took it up. */
  events = 0
  readonly sinceMs = performance.now()

  private constructor(writer: ProjectionWriter, stored: StoredGeneration, fold: Fold) {
    this.generation = stored.generation
    this.#writer = writer
    this.#fold = fold
    this.#positions = [...stored.positions]
  }

  static async open(projection: Projection, writer: ProjectionWriter, stored: StoredGeneration): Promise<Track> {
    const { generation, positions } = stored
    const fold = new Fold(projection, {
      load: (table, keys) => writer.load(generation, table, keys),
      isEmpty: positions.every(({ logOffset }) => logOffset === 0),
      parked: await writer.parkedKeys(generation),
    })
    return new Track(writer, stored, fold)
  }

  position(partition: number): PartitionPosition {
    return this.#positions[partition]!
  }

  get offsets(): readonly number[] {
    return this.#positions.map(({ logOffset }) => logOffset)
  }

  get parkedCount(): number {
    return this.#fold.parkedCount
  }

  /** One call at a time. Errors: those of the store, after which the track is of no further use; TOO_MANY_PARKED, after which it is as before. */
  async take(partition: number, { events, position }: Chunk): Promise<number> {
    const fromOffset = this.#positions[partition]!.logOffset
    const parked = await this.#fold.take(partition, events)
    await this.#write((mutations) =>
      this.#writer.commit({ generation: this.generation, partition, fromOffset, position, mutations, parked }),
    )
    this.#positions[partition] = position
    this.events += events.length
    return parked.length
  }

  /** Parked events of one key, in order: folds those that can be folded now. */
  async retry(key: string, parked: readonly StoredParkedEvent[]): Promise<Retried> {
    const { failure, folded } = await this.#fold.retry(parked.map(({ event }) => event))
    const next = parked[folded]
    await this.#write((mutations) =>
      this.#writer.release({
        generation: this.generation,
        key,
        sequences: parked.slice(0, folded).map(({ sequence }) => sequence),
        mutations,
        failure: failure === null || next === undefined ? null : { sequence: next.sequence, ...failure },
      }),
    )
    this.#fold.released(key, folded, next?.reference ?? null)
    return { folded, failure: failure?.cause ?? null }
  }

  /** What could not be written must not go in with what is folded next: whether it is in the store, only the store knows. */
  async #write(write: (mutations: readonly Mutation[]) => Promise<void>): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    try {
      await write(this.#mutations())
    } catch (error) {
      this.#failure = error
      this.#fold.rows.dropBatch()
      throw error
    }
    this.#fold.rows.keepBatch()
  }

  #mutations(): Mutation[] {
    return this.#fold.rows.tables.flatMap(({ batch, name }) => [...batch].map(([key, { text }]) => ({ table: name, key, text })))
  }
}
