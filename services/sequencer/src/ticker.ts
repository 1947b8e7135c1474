/**
 * Moves time where no agent does: appends a tick, an intent that does nothing else, once something is due. Only the owner
 * of a partition knows what is due without folding its events a second time. An idle partition is left in peace.
 */
import { derivedId, tickIntent } from '@signalbox/contract'
import type { PartitionState } from '@signalbox/core'
import { isLogError } from '@signalbox/log'
import type { SequencerSettings } from './settings.ts'

/** A tick that is not decided by then got lost, or came too early by the log's clock: another one is sent. */
const patienceMs = 2_000
const leastPauseMs = 20

export class Ticker {
  readonly #settings: SequencerSettings
  readonly #partition: number
  // When the last tick was sent, and the state's next offset then; null where none is under way.
  #sent: { readonly atMs: number; readonly nextOffset: number } | null = null

  constructor(settings: SequencerSettings, partition: number) {
    this.#settings = settings
    this.#partition = partition
  }

  /** How long to wait for intents at most, before time must be looked at again. */
  waitMs(state: PartitionState): number {
    const { bounds, clock } = this.#settings
    if (this.#sent !== null) return Math.min(bounds.readWaitMs, patienceMs)
    const { closed, pending, timers } = state.coordination
    if (closed !== null) return bounds.readWaitMs
    const dueMs = pending.hasReady ? 0 : timers.nextMs
    return Math.max(leastPauseMs, Math.min(bounds.readWaitMs, dueMs - clock.nowMs()))
  }

  /** Sends a tick where one is due, and none is under way. Does not wait for it. */
  tick(state: PartitionState): void {
    const { clock } = this.#settings
    const nowMs = clock.nowMs()
    const { nextOffset } = state
    if (this.#sent !== null && this.#sent.nextOffset === nextOffset && nowMs - this.#sent.atMs < patienceMs) return
    this.#sent = null
    const { closed, pending, timers } = state.coordination
    // In a closed log nothing happens by itself; a tick would only be rejected, and sent again.
    if (closed !== null || (!pending.hasReady && timers.nextMs > nowMs)) return
    this.#sent = { atMs: nowMs, nextOffset }
    void this.#append(nowMs, nextOffset)
  }

  async #append(nowMs: number, nextOffset: number): Promise<void> {
    const { codec, log, logger, rules } = this.#settings
    const id = derivedId(nowMs, ['tick', `${this.#partition}`, `${nextOffset}`], rules.sha256)
    const intent = tickIntent(this.#partition, log.partitionCount, id)
    try {
      await log.append(this.#partition, { key: intent.scope, value: codec.encodeIntent(intent), headers: {} })
    } catch (error) {
      // What was due stays due: another tick follows, or an agent's intent does the same.
      if (!isLogError(error)) throw error
      if (error.code !== 'CLOSED')
        logger.warn(
          { partition: this.#partition, err: error },
          `partition ${this.#partition}: a tick could not be appended: ${error.message}`,
        )
    }
  }
}
