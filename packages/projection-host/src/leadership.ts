/** What the owner of a projection does while it is the owner. Ends with the first error, or when it is told to. */
import { isLogError } from '@signalbox/log'
import { isProjectionError, ProjectionError } from '@signalbox/projection'
import { Mutex, type ProjectionWriter, type StoredGeneration, type StoredProjection } from '@signalbox/projection-store'
import type { Chunk } from './feed.ts'
import { fingerprintOf } from './fingerprint.ts'
import { goOnFrom } from './go-on.ts'
import { describeProgress, type Progress, progressOf } from './progress.ts'
import { noReactions, runReactions } from './reactions.ts'
import { Requests } from './requests.ts'
import { defaultBatchEvents, defaultPollMs, defaultReadWaitMs, type HostSettings, lastRetryMs } from './settings.ts'
import { Track } from './track.ts'

/** Behind the live generation by no more than this, a new one is let catch up while the live one waits. */
const finalEvents = 2_000
const announcedAtOnce = 100
const progressMs = 5_000
/** How often it is looked whether all was carried over. */
const beginningMs = 1_000

export class Leadership {
  readonly #settings: HostSettings
  readonly #writer: ProjectionWriter
  readonly #outer: AbortSignal
  readonly #abort = new AbortController()
  // Fold, commit, retry and swap come one after the other: nothing lies between what one reads and what it writes.
  readonly #mutex = new Mutex()
  /** Null where another version's generation is live, which this one's code cannot fold. */
  #live: Track | null = null
  #building: Track | null = null
  #liveWaits = false
  #tasks = new Set<Promise<void>>()
  #fail: (error: unknown) => void = () => {}
  #endsAtStart: readonly number[] = []
  #progressed: () => void = () => {}
  #toldMs = performance.now()
  /** Why the last generation that was being built was given up. */
  #buildFailure: string | null = null
  /** Set while too much is parked: why. */
  halted: string | null = null
  /** Why it does not go on in some partition; null while it does in all. */
  damage: string | null = null
  hasCaughtUp = false

  constructor(settings: HostSettings, writer: ProjectionWriter, signal: AbortSignal) {
    this.#settings = settings
    this.#writer = writer
    this.#outer = signal
  }

  get #signal(): AbortSignal {
    return this.#abort.signal
  }

  async run(progressed: () => void): Promise<void> {
    this.#progressed = progressed
    const stop = () => this.#abort.abort('over')
    this.#outer.addEventListener('abort', stop, { once: true })
    if (this.#outer.aborted) stop()
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    this.#fail = reject
    const leading = this.#lead()
    try {
      await Promise.race([promise, leading])
    } finally {
      this.#abort.abort('over')
      await leading.catch(() => {})
      this.#outer.removeEventListener('abort', stop)
      while (this.#tasks.size > 0) await Promise.allSettled([...this.#tasks])
      await this.#mutex.run(async () => {})
    }
  }

  async progress(): Promise<{ readonly live: Progress | null; readonly building: Progress | null }> {
    const ends = await this.#settings.feed.ends().catch(() => null)
    if (ends === null) return { live: null, building: null }
    const of = (track: Track | null) =>
      track === null ? null : progressOf(track.offsets, ends, { events: track.events, elapsedMs: performance.now() - track.sinceMs })
    return { live: of(this.#live), building: of(this.#building) }
  }

  async #lead(): Promise<void> {
    const { clock, feed, pollMs = defaultPollMs } = this.#settings
    this.#endsAtStart = await feed.ends()
    const stored = await this.#prepare()
    const requests = new Requests(this.#settings.store, this.#writer, this.#settings.projection, {
      live: () => this.#live,
      exclusively: (work) => this.#mutex.run(work),
      rebuild: () => this.#rebuild(),
      buildingProgress: async () => (await this.progress()).building,
      buildFailure: () => this.#buildFailure,
      resumed: () => {
        this.halted = null
      },
    })
    await this.#startReactions(stored)
    while (!this.#signal.aborted) {
      await requests.serve()
      if (this.#building !== null && this.#live === null) await this.#mutex.run(() => this.#swapIfCaughtUp())
      await this.#announce()
      await this.#tellProgress()
      await clock.sleep(pollMs, this.#signal)
    }
  }

  /** Of what takes long: a rebuild, or a first fold of a long log. */
  async #tellProgress(): Promise<void> {
    if (performance.now() - this.#toldMs < progressMs || (this.#building === null && this.hasCaughtUp)) return
    this.#toldMs = performance.now()
    const { building, live } = await this.progress()
    const progress = building ?? live
    const { logger, projection } = this.#settings
    if (progress !== null)
      logger.info({ projection: projection.name, ...progress }, `projection ${projection.name}: ${describeProgress(progress)}`)
  }

  /** Takes up what the store has: folds the live generation, resumes one that is being built, or begins one. */
  async #prepare(): Promise<StoredProjection> {
    const { projection, store } = this.#settings
    const { name, version } = projection
    if ((await store.projection(name)) === null) await this.#create()
    let stored = (await store.projection(name))!
    const live = stored.generations.find(({ generation }) => generation === stored.live)!
    if (live.version > version) {
      throw new ProjectionError(
        'SUPERSEDED',
        `version ${live.version} of projection ${name} is live, and this process has version ${version}: it leaves it alone. Deploy the newer one here too; to go back, give the older code a higher version`,
      )
    }
    if (await goOnFrom(stored, this.#settings, this.#writer)) return await this.#prepare()
    for (const each of stored.generations) if (isLeftOver(each, version)) await this.#drop(each.generation)
    let building = stored.generations.find(({ state, version: of }) => state === 'building' && of === version)
    if (live.version < version && building === undefined) building = await this.#create()
    stored = (await store.projection(name))!
    if (live.version === version) {
      this.#warnOfOtherCode(live)
      await this.#startLive(live)
    } else this.hasCaughtUp = true
    if (building !== undefined) await this.#startBuilding(building)
    return stored
  }

  async #create(): Promise<StoredGeneration> {
    const { feed, logger, projection } = this.#settings
    const ends = await feed.ends()
    const { name, react, tables, version } = projection
    if ((await feed.before(feed.stages[0]![0]!)) === null)
      throw new ProjectionError(
        'UNAVAILABLE',
        `projection ${name} is begun once its log has begun, as that may be one that goes on from another`,
      )
    const generation = await this.#writer.createGeneration({
      version,
      fingerprint: fingerprintOf(projection),
      tables: Object.keys(tables),
      partitionCount: feed.partitionCount,
      reactFrom: ends.map((end) => (react === undefined ? noReactions : end)),
    })
    logger.info(
      { projection: name, version, generation: generation.generation },
      `projection ${name} begins generation ${generation.generation} from the start of the log${generation.state === 'live' ? '' : ', beside the live one'}`,
    )
    return generation
  }

  #warnOfOtherCode({ fingerprint, generation }: StoredGeneration): void {
    const { logger, projection } = this.#settings
    if (fingerprint === fingerprintOf(projection)) return
    logger.warn(
      { projection: projection.name, version: projection.version, generation },
      `the handlers of projection ${projection.name} are not those that its rows were begun with, and its version is the same: raise the version, or rebuild it, unless they fold the same`,
    )
  }

  async #startLive(stored: StoredGeneration): Promise<void> {
    this.#live = await Track.open(this.#settings.projection, this.#writer, stored)
    this.#follow(this.#live)
  }

  async #startBuilding(stored: StoredGeneration): Promise<void> {
    this.#building = await Track.open(this.#settings.projection, this.#writer, stored)
    this.#follow(this.#building)
  }

  async #rebuild(): Promise<string | null> {
    if (this.#building !== null) return 'it is being rebuilt already'
    this.#buildFailure = null
    await this.#mutex.run(async () => this.#startBuilding(await this.#create()))
    return null
  }

  #start(task: Promise<void>): void {
    const running: Promise<void> = task.catch((error: unknown) => this.#fail(error)).finally(() => this.#tasks.delete(running))
    this.#tasks.add(running)
  }

  #follow(track: Track): void {
    for (let partition = 0; partition < this.#settings.feed.partitionCount; partition++)
      this.#start(this.#followPartition(track, partition))
  }

  #isCurrent(track: Track): boolean {
    return !this.#signal.aborted && (track === this.#live || track === this.#building)
  }

  async #followPartition(track: Track, partition: number): Promise<void> {
    const { batchEvents = defaultBatchEvents, clock, feed, logger, projection, readWaitMs = defaultReadWaitMs } = this.#settings
    const read = (from: Chunk['position']) => {
      const reading = feed.read(partition, from, { maxEvents: batchEvents, waitMs: readWaitMs })
      // It is awaited after the chunk before it: until then its failure is nobody's.
      reading.catch(() => {})
      return reading
    }
    await this.#untilItsTurn(track, partition)
    let next = read(track.position(partition))
    while (this.#isCurrent(track)) {
      let chunk: Chunk
      try {
        chunk = await next
      } catch (error) {
        if (!this.#isCurrent(track)) return
        if (isLogError(error, 'CORRUPT')) return this.#standStill(partition, error)
        if (!isLogError(error, 'TRANSIENT')) throw error
        logger.warn(
          { projection: projection.name, partition, err: error },
          `projection ${projection.name} waits for the log: ${error.message}`,
        )
        await clock.sleep(lastRetryMs, this.#signal)
        next = read(track.position(partition))
        continue
      }
      // Read on while this is folded and committed.
      next = read(chunk.position)
      if (!(await this.#takeInTurn(track, partition, chunk))) next = read(track.position(partition))
    }
    await next.catch(() => {})
  }

  /** The other partitions are folded on. */
  #standStill(partition: number, error: Error): void {
    const { logger, projection } = this.#settings
    this.damage = `partition ${partition} of the log is damaged, so projection ${projection.name} does not go on in it: ${error.message}`
    logger.error({ projection: projection.name, partition, err: error }, this.damage)
  }

  /** A log that goes on from another comes after it, as it is for all scopes. */
  async #untilItsTurn(track: Track, partition: number): Promise<void> {
    const { clock, feed, logger, pollMs = defaultPollMs, projection } = this.#settings
    while (this.#isCurrent(track) && track.position(partition).logOffset === 0) {
      let waitMs = pollMs
      try {
        const gates = await feed.before(partition)
        if (gates === null) waitMs = Math.max(pollMs, beginningMs)
        if (gates?.every((gate) => track.position(gate.partition).logOffset >= gate.logOffset) === true) return
      } catch (error) {
        if (!isLogError(error, 'TRANSIENT')) throw error
        logger.warn(
          { projection: projection.name, partition, err: error },
          `projection ${projection.name} waits for the log: ${error.message}`,
        )
        waitMs = lastRetryMs
      }
      await clock.sleep(waitMs, this.#signal)
    }
  }

  /** False where the chunk was not taken: too much is parked. */
  async #takeInTurn(track: Track, partition: number, chunk: Chunk): Promise<boolean> {
    const { clock } = this.#settings
    // The live generation lets the next one by for the last few events before the swap.
    while (track === this.#live && (this.#liveWaits || this.halted !== null) && !this.#signal.aborted) await clock.sleep(10, this.#signal)
    const isTaken = await this.#mutex.run(() => this.#take(track, partition, chunk))
    // The stores' calls may all be answered at once: let others of this process have their turn.
    await new Promise((resolve) => setImmediate(resolve))
    return isTaken
  }

  async #take(track: Track, partition: number, chunk: Chunk): Promise<boolean> {
    if (!this.#isCurrent(track)) return true
    const { metrics, projection } = this.#settings
    const { name } = projection
    if (chunk.position.logOffset > track.position(partition).logOffset) {
      try {
        const parked = await track.take(partition, chunk)
        if (parked > 0) metrics?.parked(name, parked)
        metrics?.folded(name, chunk.events.length)
        this.#progressed()
      } catch (error) {
        if (!isProjectionError(error, 'TOO_MANY_PARKED')) throw error
        await this.#halt(track, error)
        return false
      }
    }
    if (track === this.#building) await this.#swapIfCaughtUp()
    else this.hasCaughtUp ||= this.#hasReached(track, this.#endsAtStart)
    return true
  }

  /** The live generation stands still until something is retried; one that is being built is given up. */
  async #halt(track: Track, error: ProjectionError): Promise<void> {
    const { logger, projection } = this.#settings
    if (track === this.#building) {
      this.#buildFailure = error.message
      this.#building = null
      this.#liveWaits = false
      logger.error({ projection: projection.name, generation: track.generation, err: error }, `a rebuild was given up: ${error.message}`)
      await this.#drop(track.generation)
      if (this.#live !== null) return
    } else if (this.halted === null) logger.error({ projection: projection.name, err: error }, error.message)
    this.halted = error.message
  }

  #hasReached(track: Track, ends: readonly number[]): boolean {
    return ends.every((end, partition) => track.position(partition).logOffset >= end)
  }

  /** With the mutex held, so the live generation stands still meanwhile. */
  async #swapIfCaughtUp(): Promise<void> {
    const building = this.#building
    if (building === null || !this.#hasReached(building, this.#endsAtStart)) return
    const live = this.#live
    if (live !== null) {
      const behind = live.offsets.reduce((sum, offset, partition) => sum + Math.max(0, offset - building.position(partition).logOffset), 0)
      this.#liveWaits = behind <= finalEvents
      if (behind > 0) return
    }
    const { logger, metrics, projection } = this.#settings
    try {
      await this.#writer.swap(building.generation)
    } catch (error) {
      // Of a live one that another process moves on: the next events decide.
      if (isProjectionError(error, 'NOT_CAUGHT_UP')) return
      throw error
    }
    this.#live = building
    this.#building = null
    this.#liveWaits = false
    this.halted = null
    metrics?.swapped(projection.name)
    logger.info(
      { projection: projection.name, generation: building.generation },
      `generation ${building.generation} of projection ${projection.name} is live`,
    )
    const stored = await this.#settings.store.projection(projection.name)
    for (const each of stored?.generations ?? []) if (isLeftOver(each, projection.version)) await this.#drop(each.generation)
  }

  /** What cannot be dropped now, because somebody reads it, is dropped another time. */
  async #drop(generation: number): Promise<void> {
    const { logger, projection } = this.#settings
    try {
      await this.#writer.drop(generation)
    } catch (error) {
      if (!isProjectionError(error, 'UNAVAILABLE')) throw error
      logger.warn({ projection: projection.name, generation, err: error }, `generation ${generation} is dropped later: ${error.message}`)
    }
  }

  async #startReactions({ reactions }: StoredProjection): Promise<void> {
    const { feed, projection } = this.#settings
    const ends = await feed.ends()
    for (let partition = 0; partition < feed.partitionCount; partition++) {
      const stored = reactions[partition] ?? noReactions
      if (projection.react === undefined) {
        // Whoever adds reactions later begins with what comes then.
        if (stored !== noReactions) await this.#writer.reacted(partition, noReactions)
        continue
      }
      const from = stored === noReactions ? ends[partition]! : stored
      if (stored === noReactions) await this.#writer.reacted(partition, from)
      const durable = () => this.#live?.position(partition).logOffset ?? 0
      this.#start(runReactions(this.#settings, this.#writer, partition, { from, durable, signal: this.#signal }))
    }
  }

  async #announce(): Promise<void> {
    const { announce, projection } = this.#settings
    const live = this.#live
    if (announce === undefined || live === null || live.parkedCount === 0) return
    const waiting = await this.#writer.unannounced(live.generation, announcedAtOnce)
    for (const parked of waiting) await announce(projection.name, parked)
    if (waiting.length > 0)
      await this.#writer.announced(
        live.generation,
        waiting.map(({ sequence }) => sequence),
      )
  }
}

function isLeftOver({ state, version }: StoredGeneration, own: number): boolean {
  return state === 'retired' || (state === 'building' && version < own)
}
