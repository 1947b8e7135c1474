/**
 * Steps through the events of one partition, forwards and back, with the state of each moment. Holds a reader and nothing else:
 * nothing can be written, and no agent is asked anything.
 */
import { changesIn, clockAgent, type Event } from '@signalbox/contract'
import { evolve, type PartitionState } from '@signalbox/core'
import { EventReader, type LoggedEvent } from '@signalbox/event-log'
import { beginningOf, type Source } from '@signalbox/partition-state'

/** How many steps can be taken back without reading from the start again. */
const undoLimit = 1_000

export class ReplaySession {
  readonly #source: Source
  readonly partition: number
  /** Where the log ended when the session began, or the end that was asked for. */
  readonly end: number
  #state: PartitionState
  #reader: EventReader | null = null
  // Read and not yet stepped over, the next one first.
  #ahead: LoggedEvent[] = []
  // Stepped over, the newest last; each has a layer of the state.
  #behind: LoggedEvent[] = []
  #position = 0
  #steps = 0

  private constructor(source: Source, partition: number, end: number) {
    this.#source = source
    this.partition = partition
    this.end = end
    this.#state = beginningOf(source, partition)
  }

  static async open(source: Source, partition: number, until?: number): Promise<ReplaySession> {
    const { end } = await source.log.offsets('events', partition)
    return new ReplaySession(source, partition, Math.min(end, until ?? end))
  }

  /** As it was before the event at `position`. Contract code must not change it. */
  get state(): PartitionState {
    return this.#state
  }

  /** Every event before this log offset has happened. */
  get position(): number {
    return this.#position
  }

  /** How many events have happened. */
  get steps(): number {
    return this.#steps
  }

  /** The last event that has happened; null at the start. */
  get last(): LoggedEvent | null {
    return this.#behind.at(-1) ?? null
  }

  /** Lets the next event happen; null at the end. */
  async next(): Promise<LoggedEvent | null> {
    const logged = await this.#peek()
    if (logged === null) return null
    this.#ahead.shift()
    this.#apply(logged)
    return logged
  }

  /** Takes the last event back; gives the one before it, or null at the start. */
  async previous(): Promise<LoggedEvent | null> {
    const undone = this.#behind.pop()
    if (undone === undefined) {
      if (this.#steps > 0) await this.to(this.#steps - 1, 'steps')
      return this.last
    }
    this.#state.dropNewest()
    this.#ahead.unshift(undone)
    this.#position = undone.logOffset
    this.#steps--
    // One that is further back than is remembered is read again.
    if (this.#behind.length === 0 && this.#steps > 0) {
      const steps = this.#steps
      await this.#restart()
      await this.to(steps, 'steps')
    }
    return this.last
  }

  /** Goes on until an event fits, and past it; null where none does. */
  async nextWhere(fits: (event: Event) => boolean): Promise<LoggedEvent | null> {
    for (;;) {
      const logged = await this.next()
      if (logged === null || fits(logged.event)) return logged
    }
  }

  /** Goes to where every event before a log offset has happened, or so many events; backwards too. */
  async to(target: number, unit: 'logOffset' | 'steps' = 'logOffset', progress?: (position: number) => void): Promise<void> {
    const isBehind = unit === 'steps' ? target < this.#steps : target < this.#position
    if (isBehind) {
      const undoable = unit === 'steps' ? this.#steps - this.#behind.length : (this.#behind[0]?.logOffset ?? Number.MAX_SAFE_INTEGER)
      if (target >= undoable) {
        while (unit === 'steps' ? this.#steps > target : this.#position > target) {
          const undone = this.#behind.pop()!
          this.#state.dropNewest()
          this.#ahead.unshift(undone)
          this.#position = undone.logOffset
          this.#steps--
        }
        return
      }
      await this.#restart()
    }
    const most = Math.min(target, unit === 'logOffset' ? this.end : Number.MAX_SAFE_INTEGER)
    await this.#skip(most - undoLimit, unit, progress)
    for (let count = 0; ; count++) {
      if (unit === 'steps' ? this.#steps >= target : this.#position >= target) return
      const logged = await this.#peek()
      if (logged === null || (unit === 'logOffset' && logged.logOffset >= target)) return
      this.#ahead.shift()
      this.#apply(logged)
      if (count % 4_096 === 4_095) progress?.(this.#position)
    }
  }

  /** Goes on without remembering how to come back: much faster, for all but the last part of a long way. */
  async #skip(target: number, unit: 'logOffset' | 'steps', progress?: (position: number) => void): Promise<void> {
    const isThere = () => (unit === 'steps' ? this.#steps : this.#position) >= target
    if (isThere()) return
    for (const _ of this.#behind) this.#state.publish()
    this.#behind = []
    while (!isThere()) {
      if ((await this.#peek()) === null) return
      let taken = 0
      for (const logged of this.#ahead) {
        if (isThere() || (unit === 'logOffset' && logged.logOffset >= target)) break
        evolve(this.#state, logged.event)
        this.#position = logged.logOffset + 1
        this.#steps++
        taken++
      }
      this.#ahead = this.#ahead.slice(taken)
      progress?.(this.#position)
      if (taken === 0) return
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close()
  }

  async #restart(): Promise<void> {
    await this.#reader?.close()
    this.#reader = null
    this.#ahead = []
    this.#behind = []
    this.#position = 0
    this.#steps = 0
    this.#state = beginningOf(this.#source, this.partition)
  }

  async #peek(): Promise<LoggedEvent | null> {
    while (this.#ahead.length === 0) {
      const { codec, log } = this.#source
      this.#reader ??= await EventReader.open({ log, codec, partition: this.partition, fromOffset: 0 })
      if (this.#reader.position >= this.end) return null
      const chunk = await this.#reader.next(1_000)
      this.#ahead = chunk.filter(({ logOffset }) => logOffset < this.end)
    }
    return this.#ahead[0]!
  }

  #apply(logged: LoggedEvent): void {
    this.#state.begin()
    evolve(this.#state, logged.event)
    this.#behind.push(logged)
    this.#position = logged.logOffset + 1
    this.#steps++
    if (this.#behind.length <= undoLimit) return
    this.#behind.shift()
    this.#state.publish()
  }
}

/** Whether an event is something that went wrong. */
export function isReject(event: Event): boolean {
  return event.type === 'IntentRejected' || (event.type === 'RuleApplied' && event.payload.code !== null)
}

/** Whether an event changed a resource. */
export function changes(event: Event, scope: string | null, resource: string): boolean {
  return (scope === null || event.scope === scope) && changesIn(event).some((change) => change.resource === resource)
}

/** Who made an event happen. */
export function actorOf(event: Event): string {
  if (event.type === 'RuleApplied') return event.payload.rule === 'timer' ? clockAgent : 'signalbox'
  return 'agent' in event.payload ? (event.payload.agent ?? '(unknown)') : 'signalbox'
}
