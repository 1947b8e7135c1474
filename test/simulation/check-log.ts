/** The log itself: the hash chain, whole batches, one epoch at a time. Written from the description of the chain, not with its code. */
import { createHash } from 'node:crypto'
import type { Codec } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import type { LogRecord, Topic } from '@signalbox/log'
import type { MemoryLogStore } from '@signalbox/log-memory'
import type { CheckName } from './environment.ts'

export interface StoredEvent {
  readonly event: Event
  readonly logOffset: number
  readonly record: LogRecord
  /** Who wrote it: the name of a life of a process. */
  readonly writer: string
}

export type Report = (check: CheckName, message: string) => void

const everything = { maxRecords: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER }

export function storedRecords(store: MemoryLogStore, topic: Topic, partition: number): readonly LogRecord[] {
  const records = store.topic(topic, partition)
  return records.read(records.offsets.start, everything)
}

/** The events of a partition, with everything around them checked. */
export function checkLog(store: MemoryLogStore, codec: Codec, partition: number, report: Report): readonly StoredEvent[] {
  const stored: StoredEvent[] = []
  let writer = ''
  let epoch: string | null = null
  const chain = new ChainCheck(partition, report)
  for (const record of storedRecords(store, 'events', partition)) {
    const event = codec.decodeEvent(record.value!)
    const at = `partition ${partition}, event at ${record.offset}`
    if (event.type === 'PartitionOpened') {
      chain.opened(record, at)
      epoch = `${record.offset}`
      writer = event.payload.software
      if (record.headers.sb_epoch !== undefined) report('epochs', `${at}: an opening carries the epoch ${record.headers.sb_epoch}`)
    } else {
      chain.take(record, at)
      // What was carried over comes before any owner.
      if ((record.headers.sb_epoch ?? null) !== epoch)
        report('epochs', `${at} was written under epoch ${record.headers.sb_epoch}, and the partition was last opened at ${epoch}`)
      const id = `${event.partition}/${event.offset}/${event.index}`
      if (record.headers.ce_id !== id || record.headers.ce_type !== `signalbox.${event.type}`)
        report('epochs', `${at} is ${event.type} ${id}, and its headers say ${record.headers.ce_type} ${record.headers.ce_id}`)
    }
    stored.push({ event, logOffset: record.offset, record, writer })
  }
  chain.end()
  return stored
}

class ChainCheck {
  readonly #partition: number
  readonly #report: Report
  #link: Uint8Array = new Uint8Array(32)
  // Everything since the last link, as the link will hash it.
  #parts: Uint8Array[] = []
  #unlinked = 0

  constructor(partition: number, report: Report) {
    this.#partition = partition
    this.#report = report
  }

  opened(record: LogRecord, at: string): void {
    if (this.#unlinked > 0) this.#report('chain', `${at}: the ${this.#unlinked} events before it are a batch without its end`)
    this.#unlinked = 0
    this.#add(record)
    if (record.headers.sb_chain !== undefined) this.#report('chain', `${at}: an opening carries a link`)
  }

  take(record: LogRecord, at: string): void {
    this.#add(record)
    this.#unlinked++
    const link = record.headers.sb_chain
    if (link === undefined) return
    const hash = createHash('sha256').update(this.#link)
    for (const part of this.#parts) hash.update(part)
    const digest = hash.digest()
    if (digest.toString('base64url') !== link)
      this.#report('chain', `${at} carries the link ${link}, and the events give ${digest.toString('base64url')}`)
    this.#link = digest
    this.#parts = []
    this.#unlinked = 0
  }

  end(): void {
    if (this.#unlinked > 0)
      this.#report('chain', `partition ${this.#partition} ends with ${this.#unlinked} events of a batch without its end`)
  }

  #add(record: LogRecord): void {
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, record.value!.length)
    this.#parts.push(length, record.value!)
  }
}
