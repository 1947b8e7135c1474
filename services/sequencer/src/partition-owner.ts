/**
 * The life of one assigned partition: open, restore, decide, until it is revoked, fenced, or fails for good.
 *
 *   assigned -> opening -> restoring -> active <-> stalled
 *                  ^______________________|  (any error of the log but fencing: drop all that is not durable, open anew)
 *   damaged: what lies in the partition cannot be read; nothing more is decided in it, and the other partitions go on
 *   given up: fenced, until the log assigns the partition again, or still has it assigned here after a while; or the contracts do not fit
 */
import { type Chain, UnknownSchemaError } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import type { IntentRecord, PartitionState } from '@signalbox/core'
import { type Assignment, type Cursor, isLogError, LogError, type LogRecord, type PartitionWriter } from '@signalbox/log'
import { type Base, Restore } from '@signalbox/partition-state'
import { ContractsRefused, refusalOf } from './contracts-fit.ts'
import { decideBatch, decodeIntents } from './decide-batch.ts'
import type { Phase } from './metrics.ts'
import { openingBatch } from './opening.ts'
import type { SequencerSettings } from './settings.ts'
import { disproves, firstBase, snapshotDisproved } from './snapshots.ts'
import { Ticker } from './ticker.ts'

/** Phases in which an owner reads the log. */
const waitsForLog: ReadonlySet<Phase> = new Set(['opening', 'restoring', 'active'])

interface Session {
  readonly writer: PartitionWriter
  readonly state: PartitionState
  readonly chain: Chain
  readonly epoch: string
}

export class PartitionOwner {
  readonly partition: number
  readonly #settings: SequencerSettings
  readonly #assignment: Assignment
  // Ends deciding; what is under way may still become durable.
  readonly #stop = new AbortController()
  #phase: Phase = 'assigned'
  // Why what was appended cannot be read, though the log answers; null where it can.
  #heldBack: string | null = null
  #refusal: string | null = null
  #state: PartitionState | null = null
  readonly #firstBase: () => Promise<Base>
  // Everything durable that is known here: where the next session goes on. Null until the first one began.
  #base: Base | null = null
  readonly done: Promise<void>

  /**
   * `done` resolves when the partition is not owned any more, and rejects when the process should end. `firstBase` is asked
   * once, for what is known of the partition already.
   */
  constructor(settings: SequencerSettings, assignment: Assignment, firstBase: () => Promise<Base>) {
    this.#firstBase = firstBase
    this.#settings = settings
    this.#assignment = assignment
    this.partition = assignment.partition
    if (assignment.signal.aborted) this.#stop.abort()
    else assignment.signal.addEventListener('abort', () => this.#stop.abort(), { once: true })
    this.#enter('assigned')
    this.done = this.#run()
  }

  get phase(): Phase {
    return this.#heldBack !== null && waitsForLog.has(this.#phase) ? 'stalled' : this.#phase
  }

  /** `why` in a sentence, while somebody's open transaction hides what follows it; null once it is over. */
  hold(why: string | null): void {
    if (this.#heldBack === why) return
    this.#heldBack = why
    this.#settings.metrics.phase(this.partition, this.phase)
  }

  /** Why this process cannot decide the partition, whoever assigns it; null where it can. */
  get refusal(): string | null {
    return this.#refusal
  }

  /** The published state while active; null before. */
  get state(): PartitionState | null {
    return this.#state
  }

  /** What is known of the partition once it is `done`, handed over to one taker; null where it never got that far. */
  takeBase(): Base | null {
    const base = this.#base
    this.#base = null
    return base
  }

  /** Finishes the batches under way and lets go. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.done
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#settings.metrics.phase(this.partition, this.phase)
  }

  async #run(): Promise<void> {
    const { bounds, clock, logger, metrics } = this.#settings
    let retryMs = bounds.firstRetryMs
    while (!this.#stop.signal.aborted) {
      try {
        await this.#session(() => {
          retryMs = bounds.firstRetryMs
        })
      } catch (error) {
        if (this.#stop.signal.aborted && isLogError(error)) break
        if (error instanceof ContractsRefused || isLogError(error, 'FENCED')) {
          this.#enter('given up')
          logger.warn(
            { partition: this.partition, generation: this.#assignment.generation, err: error },
            `partition ${this.partition} is given up: ${(error as Error).message}`,
          )
          if (error instanceof ContractsRefused) {
            this.#refusal = error.message
            return
          }
          // Whoever fenced it is its owner by now, and the assignment ends; or nobody is (a transaction that the brokers ended, a writer
          // that is gone again), and nobody else would ever come. To open asks the group first, so that two owners never duel.
          await clock.sleep(bounds.fencedRetryMs, this.#stop.signal)
          continue
        }
        if (isLogError(error, 'CORRUPT')) return await this.#standStill(error)
        if (!isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN')) throw error
        metrics.reopened(this.partition, error.code)
        logger.warn(
          { partition: this.partition, err: error, retryMs },
          `partition ${this.partition} is opened anew in ${retryMs} ms: ${error.message}`,
        )
        await clock.sleep(retryMs, this.#stop.signal)
        retryMs = Math.min(2 * retryMs, bounds.lastRetryMs)
      }
    }
    this.#enter('given up')
  }

  /** Whoever looks again finds the same: a person must put the log right. The process lives on for its other partitions. */
  async #standStill(error: LogError): Promise<void> {
    const { damaged, logger } = this.#settings
    this.#enter('damaged')
    logger.error(
      { partition: this.partition, err: error },
      `partition ${this.partition} is damaged, and nothing more is decided in it: ${error.message}. See docs/operating.md, Damage`,
    )
    damaged?.(this.partition, error)
    const { signal } = this.#stop
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  async #session(opened: () => void): Promise<void> {
    const { log } = this.#settings
    this.#enter('opening')
    const writer = await log.open(this.#assignment)
    let cursor: Cursor | undefined
    try {
      const session = await this.#restore(writer)
      cursor = await log.cursor({ topic: 'intents', partition: this.partition, fromOffset: await this.#firstOffset(session.state) })
      this.#state = session.state
      this.#enter('active')
      opened()
      await this.#decide(session, cursor)
    } finally {
      this.#state = null
      // Not active any more, whatever follows: opened anew, or given up.
      this.#enter('opening')
      await Promise.allSettled([writer.close(), cursor?.close()])
    }
  }

  async #restore(writer: PartitionWriter): Promise<Session> {
    const { bounds, clock, codec, log, logger, ours } = this.#settings
    const { partition } = this
    this.#enter('restoring')
    const base = this.#base ?? (await this.#firstBase())
    this.#base = base
    const { state } = base
    let lastSaidMs = clock.nowMs()
    const restore = await Restore.open({
      log,
      codec,
      base,
      signal: this.#stop.signal,
      patienceMs: bounds.restorePatienceMs,
      nowMs: () => clock.nowMs(),
      progress: ({ events, logOffset }) => {
        if (clock.nowMs() - lastSaidMs < 5_000) return
        lastSaidMs = clock.nowMs()
        logger.info({ partition, events, logOffset }, `partition ${partition}: restored ${events} events so far, up to offset ${logOffset}`)
      },
    })
    try {
      await restore.toEnd((await log.offsets('events', partition)).end)
      refuseHalfCarried(state)
      // Looked at before anything is written: a process whose contracts do not fit leaves no trace.
      const refusal = refusalOf(state, ours)
      if (refusal !== null) throw new ContractsRefused(refusal)
      // What is written now lies behind everything that any earlier owner wrote: the only definite end of a log.
      const { lastOffset } = await writer.append(openingBatch(this.#settings, partition))
      await restore.through(lastOffset)
      logger.info(
        { partition, events: restore.events, epoch: lastOffset, nextOffset: state.nextOffset },
        `partition ${partition} is active: ${restore.events} events restored, next intent at offset ${state.nextOffset}`,
      )
      this.#base = restore.base
      return { writer, state, chain: restore.chain, epoch: `${lastOffset}` }
    } catch (error) {
      this.#base = restore.base
      if (!disproves(error, base)) throw error
      this.#base = firstBase(this.#settings, partition)
      throw snapshotDisproved(partition, error)
    } finally {
      await restore.close()
    }
  }

  /** The source offset after the last decision; where nothing was decided yet, wherever the log of intents starts. */
  async #firstOffset(state: PartitionState): Promise<number> {
    const { start } = await this.#settings.log.offsets('intents', this.partition)
    const next = state.nextOffset
    if (next === 0) return start
    if (next < start)
      throw new LogError(
        'CORRUPT',
        `partition ${this.partition} was decided up to intent offset ${next - 1}, and the intents start at ${start}: intents were lost undecided. Raise the retention of the intents topic, and have agents send again what has no decision`,
      )
    return next
  }

  async #decide(session: Session, cursor: Cursor): Promise<void> {
    const { bounds } = this.#settings
    const underWay: Promise<void>[] = []
    // The first batch is one intent, the next two, each durable before the next: a record that kills its owners ends up
    // alone at the front, and whoever looks for it finds it there.
    let cautiousRecords = 1
    let failure: unknown = null
    const ticker = new Ticker(this.#settings, this.partition)
    try {
      while (!this.#stop.signal.aborted && failure === null) {
        ticker.tick(session.state)
        const records = await this.#nextRecords(cursor, ticker.waitMs(session.state))
        for (let from = 0; from < records.length && failure === null; ) {
          const isCautious = cautiousRecords < bounds.batchRecords
          if (underWay.length >= (isCautious ? 1 : bounds.batchesUnderWay)) await underWay[0]
          await this.#waitForTime(records[from]!)
          // A wait that was cut short has not made the record due.
          if (this.#stop.signal.aborted || failure !== null) break
          // While the log has nothing to do, it gets a short batch early, and works on it while the next is decided.
          const usual = underWay.length === 0 ? bounds.firstBatchRecords : bounds.batchRecords
          const most = Math.min(cautiousRecords, usual)
          if (isCautious) cautiousRecords *= 2
          const run = this.#reached(records.slice(from, from + most))
          const intents = await this.#decoded(run)
          from += this.#decideAndAppend(session, run, intents, underWay, (error) => {
            failure ??= error
          })
        }
      }
    } finally {
      await Promise.allSettled(underWay)
    }
    if (failure !== null) throw failure
  }

  /** Starts one batch on its way; gives how many records are in it. */
  #decideAndAppend(
    session: Session,
    run: readonly LogRecord[],
    intents: readonly IntentRecord[],
    underWay: Promise<void>[],
    failed: (error: unknown) => void,
  ): number {
    const { clock, metrics, published } = this.#settings
    const { state, writer } = session
    const startedMs = clock.nowMs()
    const { batch, events, link, taken } = decideBatch({ ...session, settings: this.#settings }, run, intents)
    const decidedMs = clock.nowMs()
    const append = writer
      .append(batch)
      .then(({ lastOffset }) => {
        state.publish()
        this.#base = { state, position: lastOffset + 1, chain: { link, open: [] }, isProven: true }
        metrics.batch(this.partition, taken, (decidedMs - startedMs) / 1_000, (clock.nowMs() - decidedMs) / 1_000)
        for (const event of events) countDecision(metrics, event)
        published?.(this.partition, events)
      })
      .catch((error: unknown) => {
        // Nothing that was decided since is true: who restores the partition reads what became of it.
        state.drop()
        failed(error)
      })
      .finally(() => underWay.splice(underWay.indexOf(append), 1))
    underWay.push(append)
    return taken
  }

  async #nextRecords(cursor: Cursor, waitMs: number): Promise<readonly LogRecord[]> {
    const { bounds } = this.#settings
    // Whatever becomes of the cursor, the read that waits on it ends; a failed close must not end the process.
    const stop = () => void cursor.close().catch(() => {})
    this.#stop.signal.addEventListener('abort', stop, { once: true })
    try {
      return await cursor.next({ maxRecords: bounds.batchRecords, maxBytes: bounds.batchBytes, waitMs })
    } catch (error) {
      if (this.#stop.signal.aborted && isLogError(error, 'CLOSED')) return []
      throw error
    } finally {
      this.#stop.signal.removeEventListener('abort', stop)
    }
  }

  /** One mad broker clock must not expire the world: the partition waits, visibly, until its own clock has caught up. */
  async #waitForTime(record: LogRecord): Promise<void> {
    const { clock, logger } = this.#settings
    const aheadMs = () => this.#aheadMs(record)
    if (aheadMs() <= 0) return
    this.#enter('stalled')
    logger.error(
      { partition: this.partition, offset: record.offset, aheadMs: aheadMs() },
      `partition ${this.partition} stalls: the record at offset ${record.offset} is stamped ${record.timestampMs - clock.nowMs()} ms ahead of this clock; set the clocks of the broker and of this machine`,
    )
    while (aheadMs() > 0 && !this.#stop.signal.aborted) await clock.sleep(Math.min(1_000, aheadMs()), this.#stop.signal)
    this.#enter('active')
  }

  /** How far a record is beyond what this clock allows; 0 or less where it may be decided. */
  #aheadMs({ timestampMs }: LogRecord): number {
    return timestampMs - this.#settings.clock.nowMs() - this.#settings.rules.limits.clockSkewMs
  }

  /** The records up to one that must wait; at least the first, which has waited. */
  #reached(records: readonly LogRecord[]): readonly LogRecord[] {
    const waits = records.findIndex((record, index) => index > 0 && this.#aheadMs(record) > 0)
    return waits < 0 ? records : records.slice(0, waits)
  }

  async #decoded(records: readonly LogRecord[]): Promise<readonly IntentRecord[]> {
    const { bounds, clock, codec, logger } = this.#settings
    for (let retryMs = bounds.firstRetryMs; ; retryMs = Math.min(2 * retryMs, bounds.lastRetryMs)) {
      try {
        return decodeIntents(records, this.#settings)
      } catch (error) {
        if (!(error instanceof UnknownSchemaError)) throw error
        try {
          await codec.framing.learn(error.schemaId)
        } catch (cause) {
          this.#enter('stalled')
          logger.warn(
            { partition: this.partition, err: cause, retryMs },
            `partition ${this.partition} stalls: schema ${error.schemaId} cannot be looked up; is the schema registry up?`,
          )
          await clock.sleep(retryMs, this.#stop.signal)
          if (this.#stop.signal.aborted)
            throw new LogError('CLOSED', `partition ${this.partition} was stopped while it waited for schema ${error.schemaId}`)
          this.#enter('active')
        }
      }
    }
  }
}

/** Who decided now would not know what is still to come. */
function refuseHalfCarried({ origin, partition }: PartitionState): void {
  if (origin === null || origin.isWhole) return
  throw new LogError(
    'MISCONFIGURED',
    `partition ${partition} is not whole: what ${origin.generation} held is being carried over into it, or that was cut off. Start sequencers when signalbox generation move has ended; where it failed, delete these topics, and move the log again`,
  )
}

function countDecision(metrics: SequencerSettings['metrics'], event: Event): void {
  if (event.type === 'IntentCommitted') metrics.decision('committed', '')
  else if (event.type === 'IntentRejected') metrics.decision('rejected', event.payload.code)
  else if (event.type === 'IntentDuplicated') metrics.decision('duplicate', event.payload.code ?? '')
  else if (event.type === 'IntentPending') metrics.decision('pending', event.payload.code)
  else if (event.type === 'IntentShadowed') metrics.decision('shadowed', event.payload.code ?? '')
  else if (event.type === 'RuleApplied') metrics.rule(event.payload.rule)
}
