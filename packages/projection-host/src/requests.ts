/** Does what somebody has asked of the owner of a projection, through the store: to rebuild it, or to retry what is parked. */
import type { Projection } from '@signalbox/projection'
import type { ProjectionStore, ProjectionWriter, StoredRequest } from '@signalbox/projection-store'
import { describeProgress, type Progress } from './progress.ts'
import type { Track } from './track.ts'

export interface RequestContext {
  readonly live: () => Track | null
  readonly exclusively: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** Begins to build a generation; gives why not, where it does not. */
  readonly rebuild: () => Promise<string | null>
  /** Null where none is being built. */
  readonly buildingProgress: () => Promise<Progress | null>
  /** Why the last one was given up; null where none was. */
  readonly buildFailure: () => string | null
  /** Something was released: what was halted may go on. */
  readonly resumed: () => void
}

const parkedAtOnce = 200

export class Requests {
  readonly #store: ProjectionStore
  readonly #writer: ProjectionWriter
  readonly #projection: Projection
  readonly #context: RequestContext

  constructor(store: ProjectionStore, writer: ProjectionWriter, projection: Projection, context: RequestContext) {
    this.#store = store
    this.#writer = writer
    this.#projection = projection
    this.#context = context
  }

  async serve(): Promise<void> {
    for (const request of await this.#store.open(this.#projection.name)) {
      if (request.kind === 'rebuild') await this.#rebuild(request)
      else await this.#retry(request)
    }
  }

  async #rebuild({ id, state }: StoredRequest): Promise<void> {
    const { buildFailure, buildingProgress, rebuild } = this.#context
    if (state === 'asked') {
      const before = (await this.#store.projection(this.#projection.name))?.live
      const refused = await rebuild()
      await this.#writer.settle(id, 'running', refused ?? `generation ${before} is live meanwhile`)
      return
    }
    const progress = await buildingProgress()
    if (progress !== null) return await this.#writer.settle(id, 'running', describeProgress(progress))
    const failure = buildFailure()
    if (failure !== null) return await this.#writer.settle(id, 'failed', failure)
    const live = (await this.#store.projection(this.#projection.name))?.live
    await this.#writer.settle(id, 'done', `generation ${live} is live`)
  }

  async #retry({ argument, id }: StoredRequest): Promise<void> {
    const live = this.#context.live()
    if (live === null) return await this.#writer.settle(id, 'failed', 'another version is live; its own process retries')
    const keys = argument === null ? [...(await this.#writer.parkedKeys(live.generation)).keys()] : [argument]
    let folded = 0
    const failures: string[] = []
    for (const key of keys) {
      const result = await this.#retryKey(live, key)
      folded += result.folded
      if (result.failure !== null) failures.push(`${key}: ${result.failure}`)
    }
    if (folded > 0) this.#context.resumed()
    const still =
      failures.length === 0 ? '' : `; ${failures.length} of ${keys.length} keys still cannot be: ${failures.slice(0, 5).join('; ')}`
    await this.#writer.settle(id, failures.length === 0 ? 'done' : 'failed', `${folded} events folded${still}`)
  }

  async #retryKey(live: Track, key: string): Promise<{ folded: number; failure: string | null }> {
    const { exclusively } = this.#context
    let folded = 0
    for (;;) {
      const result = await exclusively(async () => {
        const parked = await this.#store.snapshot(this.#projection.name, live.generation, (snapshot) =>
          snapshot.parked({ key, limit: parkedAtOnce }),
        )
        return parked.length === 0 ? null : await live.retry(key, parked)
      })
      if (result === null) return { folded, failure: null }
      folded += result.folded
      if (result.failure !== null) return { folded, failure: result.failure }
    }
  }
}
