/** Sits before a process's log and notes what was asked and answered: for the trace, and for what the checker must hold the log to. */
import {
  type AppendedBatch,
  type Assignment,
  type AssignmentListener,
  type Batch,
  type Bounds,
  type Cursor,
  isLogError,
  type Log,
  type LogRecord,
  type Membership,
  type Offsets,
  type PartitionWriter,
  type Position,
  type ReadFrom,
  type RecordToAppend,
  type SideTopic,
  type SnapshotStore,
  type Topic,
} from '@signalbox/log'

/** An intent that the log said is durable. */
export interface AcknowledgedIntent {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly value: Uint8Array
}

export interface LogObserver {
  note(line: string): void
  intentAcknowledged(intent: AcknowledgedIntent): void
  /** An intent or a batch is on its way to the log (1), or its answer is there (-1). */
  writeUnderWay(change: 1 | -1): void
  /** All records of the topic before this position were handed out. */
  recordsRead(topic: Topic, partition: number, position: number): void
}

export class ObservedLog implements Log {
  readonly name: string
  readonly id: string
  readonly partitionCount: number
  readonly snapshots: SnapshotStore | null
  readonly index: Log['index']
  readonly #log: Log
  readonly #process: string
  readonly #observer: LogObserver

  constructor(log: Log, process: string, observer: LogObserver) {
    this.#log = log
    this.name = log.name
    this.id = log.id
    this.partitionCount = log.partitionCount
    this.index = log.index
    this.#process = process
    this.#observer = observer
    this.snapshots = {
      newest: (partition) =>
        this.#observe(`newest snapshot ${partition}`, log.snapshots!.newest(partition), (found) => (found === null ? 'none' : 'found')),
      write: (partition, snapshot) =>
        this.#observe(`snapshot ${partition} of ${snapshot.position}`, log.snapshots!.write(partition, snapshot), () => 'written'),
    }
  }

  async append(partition: number, intent: RecordToAppend): Promise<Position & { readonly timestampMs: number }> {
    this.#observer.writeUnderWay(1)
    const append = this.#log.append(partition, intent).finally(() => this.#observer.writeUnderWay(-1))
    const appended = await this.#observe(`append ${partition}`, append, ({ offset }) => `at ${offset}`)
    this.#observer.intentAcknowledged({ partition, offset: appended.offset, timestampMs: appended.timestampMs, value: intent.value })
    return appended
  }

  async appendAside(topic: SideTopic, partition: number, record: RecordToAppend): Promise<Position & { readonly timestampMs: number }> {
    this.#observer.writeUnderWay(1)
    const append = this.#log.appendAside(topic, partition, record).finally(() => this.#observer.writeUnderWay(-1))
    return await this.#observe(`append ${topic}/${partition}`, append, ({ offset }) => `at ${offset}`)
  }

  async cursor(from: ReadFrom): Promise<Cursor> {
    const what = `${from.topic}/${from.partition}`
    const cursor = await this.#observe(`cursor ${what} from ${from.fromOffset}`, this.#log.cursor(from), () => 'open')
    return {
      get position() {
        return cursor.position
      },
      next: async (bounds: Bounds): Promise<readonly LogRecord[]> => {
        const records = await this.#observe(`next ${what}`, cursor.next(bounds), rangeOf)
        this.#observer.recordsRead(from.topic, from.partition, cursor.position)
        return records
      },
      close: () => this.#observe(`close cursor ${what}`, cursor.close(), () => 'closed'),
    }
  }

  offsets(topic: Topic, partition: number): Promise<Offsets> {
    return this.#observe(`offsets ${topic}/${partition}`, this.#log.offsets(topic, partition), ({ start, end }) => `${start} to ${end}`)
  }

  async join(listener: AssignmentListener): Promise<Membership> {
    const membership = await this.#observe(
      'join',
      this.#log.join({
        assigned: (assignment) => {
          this.#note(`assigned ${assignment.partition} generation ${assignment.generation}`)
          listener.assigned(assignment)
        },
        revoked: (assignment) => {
          this.#note(`revoked ${assignment.partition} generation ${assignment.generation}`)
          return listener.revoked(assignment)
        },
        lost: (error) => listener.lost(error),
      }),
      () => 'member',
    )
    return {
      get hasJoined() {
        return membership.hasJoined
      },
      leave: () => this.#observe('leave', membership.leave(), () => 'left'),
    }
  }

  async open(assignment: Assignment): Promise<PartitionWriter> {
    const { generation, partition } = assignment
    const writer = await this.#observe(`open ${partition} generation ${generation}`, this.#log.open(assignment), () => 'opened')
    return {
      partition,
      append: (batch: Batch): Promise<AppendedBatch> => {
        this.#observer.writeUnderWay(1)
        return this.#observe(
          `write ${partition} ${batch.events.length} events`,
          writer.append(batch).finally(() => this.#observer.writeUnderWay(-1)),
          ({ firstOffset, lastOffset }) => `${firstOffset} to ${lastOffset}`,
        )
      },
      close: () => this.#observe(`close writer ${partition}`, writer.close(), () => 'closed'),
    }
  }

  close(): Promise<void> {
    return this.#observe('close', this.#log.close(), () => 'closed')
  }

  #note(line: string): void {
    this.#observer.note(`${this.#process} ${line}`)
  }

  async #observe<Result>(what: string, call: Promise<Result>, text: (result: Result) => string): Promise<Result> {
    try {
      const result = await call
      this.#note(`${what}: ${text(result)}`)
      return result
    } catch (error) {
      this.#note(`${what}: ${isLogError(error) ? error.code : String(error)}`)
      throw error
    }
  }
}

function rangeOf(records: readonly LogRecord[]): string {
  return records.length === 0 ? 'nothing' : `${records[0]!.offset} to ${records.at(-1)!.offset}`
}
