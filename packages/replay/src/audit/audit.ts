/**
 * Reads a whole partition and proves what Signalbox promises of it, or names the first break of each promise. Nothing is
 * written; only committed records are seen.
 */
import { type Codec, UnknownSchemaError } from '@signalbox/codec'
import { canonicalize, type Event, isOfRecord } from '@signalbox/contract'
import { evolve, PartitionState, snapshotParts } from '@signalbox/core'
import { isLogError, type LogReader, type LogRecord, type SnapshotStore } from '@signalbox/log'
import { type Base, baseOfSnapshot, SnapshotError } from '@signalbox/partition-state'
import { type DecideAgainOptions, decideAgain } from './decide-again.ts'
import { Envelope } from './envelope.ts'
import type { AuditCheck, Finding, PartitionAudit } from './findings.ts'
import { IntentSource } from './sources.ts'

const bounds = { maxRecords: 2_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 }

export interface AuditOptions extends DecideAgainOptions {
  readonly log: LogReader
  readonly snapshots: SnapshotStore | null
  /** Of an exported log: what it leaves out is no break. */
  readonly excerpt?: Excerpt
  readonly progress?: (read: {
    readonly partition: number
    readonly events: number
    readonly logOffset: number
    readonly end: number
  }) => void
}

export interface Excerpt {
  /** Whether it has every event of its partitions within its bounds. Else decisions cannot be made again: what they stood on is not all there. */
  readonly isWhole: boolean
  /** Whether values were taken out of it, with the same effect. */
  readonly isRedacted: boolean
  /** The state before its first event. */
  readonly beginning: (partition: number) => PartitionState
}

export async function auditPartition(options: AuditOptions, partition: number): Promise<PartitionAudit> {
  return await new PartitionAuditor(options, partition).run()
}

class PartitionAuditor {
  readonly #options: AuditOptions
  readonly #partition: number
  readonly #state: PartitionState
  #envelope: Envelope
  readonly #findings = new Map<AuditCheck, Finding>()
  // The events of the decision that is being read, and where its first one lies.
  #decision: Event[] = []
  #decisionLogOffset = 0
  #events = 0
  #decisions = 0
  #decidedAgain = 0
  readonly #whyNot = new Map<string, number>()
  #snapshot: Base | null = null

  constructor(options: AuditOptions, partition: number) {
    this.#options = options
    this.#partition = partition
    const { excerpt, rules } = options
    this.#state = excerpt?.beginning(partition) ?? new PartitionState(partition, rules.limits)
    this.#envelope = new Envelope(partition)
  }

  async run(): Promise<PartitionAudit> {
    const { log, progress } = this.#options
    const partition = this.#partition
    // The events' end first: what is decided afterwards has its intent in any case.
    const { end, start } = await log.offsets('events', partition)
    this.#envelope = new Envelope(partition, this.#options.excerpt !== undefined && start > 0)
    this.#snapshot = await this.#readSnapshot()
    const intents = await IntentSource.open(log, partition)
    const cursor = await log.cursor({ topic: 'events', partition, fromOffset: 0 })
    let undecided = 0
    try {
      while (cursor.position < end) {
        for (const record of await cursor.next(bounds)) if (record.offset < end) await this.#take(record, intents)
        progress?.({ partition, events: this.#events, logOffset: cursor.position, end })
      }
      await this.#settle(intents, true)
      this.#compareSnapshot(end)
      while ((await intents.peek()) !== null) {
        undecided++
        intents.take()
      }
    } finally {
      await Promise.all([cursor.close(), intents.close()])
    }
    await this.#proveIndex()
    return {
      partition,
      events: this.#events,
      decisions: this.#decisions,
      decidedAgain: this.#decidedAgain,
      notDecidedAgain: [...this.#whyNot.values()].reduce((sum, count) => sum + count, 0),
      whyNot: Object.fromEntries(this.#whyNot),
      undecided,
      watermark: this.#state.nextOffset,
      snapshotPosition: this.#snapshot?.position ?? null,
      hasIndex: log.index !== null,
      findings: [...this.#findings.values()],
    }
  }

  async #take(record: LogRecord, intents: IntentSource): Promise<void> {
    this.#events++
    const chainBreak = this.#envelope.chainBreak(record)
    if (chainBreak !== null) this.#find('chain', record.offset, null, chainBreak)
    const event = await decode(this.#options.codec, record)
    if (event === null) return this.#find('readable', record.offset, null, `the event at log offset ${record.offset} cannot be decoded`)
    const epochBreak = this.#envelope.epochBreak(record, event)
    if (epochBreak !== null) this.#find('epochs', record.offset, event.offset, epochBreak)
    const last = this.#decision.at(-1)
    const isNext = last !== undefined && (this.#hasGaps ? event.index > last.index : event.index === last.index + 1)
    const goesOn = last !== undefined && event.offset === last.offset && isNext
    if (this.#isCutBeginning(event)) return void evolve(this.#state, event)
    if (!goesOn) {
      await this.#settle(intents)
      this.#compareSnapshot(record.offset)
      this.#checkBeginning(record, event)
      this.#decisionLogOffset = record.offset
    }
    if (isOfRecord(event)) this.#decision.push(event)
    else evolve(this.#state, event)
  }

  /** Of a decision that began before an export does. */
  #isCutBeginning(event: Event): boolean {
    const isCut = this.#options.excerpt !== undefined && this.#decisions === 0 && this.#decision.length === 0
    return isCut && isOfRecord(event) && event.index > 0 && event.offset === this.#state.nextOffset - 1
  }

  /** A new decision must be about a later intent than all before it, and begin with its first event. */
  #checkBeginning({ offset: logOffset }: LogRecord, event: Event): void {
    if (!isOfRecord(event)) {
      if (event.type !== 'PartitionOpened') this.#checkCarried(logOffset)
      return
    }
    const { nextOffset, origin } = this.#state
    if (origin?.isWhole === false)
      this.#find(
        'carried',
        logOffset,
        event.offset,
        `intent ${event.offset} was decided before everything was carried over from ${origin.generation}`,
      )
    if (event.offset < nextOffset) {
      this.#find('order', logOffset, event.offset, `intent ${event.offset} comes after intent ${nextOffset - 1} was decided`)
      this.#find('decided', logOffset, event.offset, `intent ${event.offset} has a second decision, or one out of its order`)
    } else if (event.index !== 0 && !this.#hasGaps) {
      this.#find('order', logOffset, event.offset, `the decision of intent ${event.offset} begins with its event ${event.index}`)
    }
  }

  /** What comes from other topics comes before all that is decided here. */
  #checkCarried(logOffset: number): void {
    if (this.#decisions > 0 || this.#envelope.isOpened)
      this.#find(
        'carried',
        logOffset,
        null,
        `the event at log offset ${logOffset} was carried over, and comes after an opening or a decision`,
      )
  }

  /** The decision that was read is whole. */
  async #settle(intents: IntentSource, isLast = false): Promise<void> {
    const decision = this.#decision
    const first = decision[0]
    if (first === undefined) return
    this.#decision = []
    this.#decisions++
    const record = await this.#intentOf(first, intents)
    const { excerpt } = this.#options
    const isAllThere = excerpt === undefined || (excerpt.isWhole && !excerpt.isRedacted)
    if (this.#findings.has('order')) this.#notAgain('their order is broken')
    else if (!isAllThere) this.#notAgain('the export leaves out what they stood on')
    else {
      const comparison = await decideAgain(this.#options, this.#state, decision, record)
      // An export may end within a decision.
      const isCut = isLast && excerpt !== undefined && comparison.outcome === 'different'
      if (comparison.outcome === 'impossible') this.#notAgain(comparison.why)
      else if (isCut) this.#notAgain('the export ends within them')
      else this.#decidedAgain++
      if (comparison.outcome === 'different' && !isCut)
        this.#find('decided again', this.#decisionLogOffset, first.offset, comparison.message)
    }
    for (const event of decision) evolve(this.#state, event)
  }

  #notAgain(why: string): void {
    this.#whyNot.set(why, (this.#whyNot.get(why) ?? 0) + 1)
  }

  /** The intent that was decided, where it is still there. Those before it were passed over. */
  async #intentOf({ offset }: Event, intents: IntentSource): Promise<LogRecord | null> {
    for (;;) {
      const record = await intents.peek()
      if (record === null || record.offset > offset) {
        if (offset >= intents.start && offset >= this.#state.nextOffset)
          this.#find('decided', this.#decisionLogOffset, offset, `intent ${offset} was decided and is not in the log of intents`)
        return null
      }
      intents.take()
      if (record.offset === offset) return record
      this.#find('decided', null, record.offset, `intent ${record.offset} has no decision, and intent ${offset} after it has one`)
    }
  }

  /** Where it is damaged, look-ups read the events: slow answers, and right ones. */
  async #proveIndex(): Promise<void> {
    try {
      await this.#options.log.index?.prove(this.#partition)
    } catch (error) {
      if (!isLogError(error, 'CORRUPT')) throw error
      this.#find('index', null, null, error.message)
    }
  }

  async #readSnapshot(): Promise<Base | null> {
    const { rules, snapshots } = this.#options
    const stored = (await snapshots?.newest(this.#partition)) ?? null
    if (stored === null) return null
    try {
      return await baseOfSnapshot(stored, this.#partition, rules.limits)
    } catch (error) {
      // One that cannot be used is never used: that costs time alone.
      if (error instanceof SnapshotError) return null
      throw error
    }
  }

  /** Before the event at `logOffset` is applied: is the snapshot of just here what the fold says? */
  #compareSnapshot(logOffset: number): void {
    const snapshot = this.#snapshot
    if (snapshot === null || this.#isCompared || logOffset < snapshot.position) return
    this.#isCompared = true
    if (statesText(snapshot.state) !== statesText(this.#state))
      this.#find(
        'snapshot',
        snapshot.position,
        null,
        `the snapshot as of log offset ${snapshot.position} is not what the events before it give`,
      )
  }
  #isCompared = false

  /** Events of other scopes were left out. */
  get #hasGaps(): boolean {
    return this.#options.excerpt?.isWhole === false
  }

  #find(check: AuditCheck, logOffset: number | null, intentOffset: number | null, message: string): void {
    if (!this.#findings.has(check)) this.#findings.set(check, { check, partition: this.#partition, logOffset, intentOffset, message })
  }
}

/** Everything that a state says, in an order of its own. */
function statesText(state: PartitionState): string {
  const texts = [...snapshotParts(state)].map((part) =>
    part.kind === 'ids'
      ? `ids ${part.ids.number} ${part.ids.entries.join(' ')}`
      : canonicalize(JSON.parse(JSON.stringify(part).replaceAll('\\u0000', '\\n')), 'state'),
  )
  return texts.sort().join('\n')
}

async function decode(codec: Codec, record: LogRecord): Promise<Event | null> {
  for (;;) {
    try {
      return codec.decodeEvent(record.value ?? new Uint8Array())
    } catch (error) {
      if (!(error instanceof UnknownSchemaError)) return null
      await codec.framing.learn(error.schemaId)
    }
  }
}
