/**
 * The intent ids that a partition remembers, with the digest of their body and their decision. Ids lie in buckets of 4
 * seconds by the time that the id itself names, each a table: 40 bytes an entry and 5 to 11 in its index, so about 50 bytes
 * an id where many come, and up to 900 for one alone in its bucket. A bucket is dropped whole once all of it is past the horizon.
 */
import { type EventReference, parseUuidV7 } from '@signalbox/contract'
import { IdTable, maxCodeNumber, maxIndex, maxOffset } from './id-table.ts'

const bucketMs = 4096

/** The number of an id's bucket: its time without the last 12 bits. */
function bucketOf(id: Uint32Array): number {
  return id[0]! * 16 + (id[1]! >>> 28)
}

/** The decision of a remembered intent: its identity, and what it was. */
export interface RememberedDecision extends EventReference {
  /** Null when it was committed. */
  readonly code: string | null
  /** Whether the body is the one that was asked about. */
  readonly isSameBody: boolean
}

/** What one layer added: forgotten again if the layer is dropped. */
export interface AddedIds {
  count: number
  /** By the number of the bucket: how many ids it had before. */
  readonly sizesBefore: Map<number, number>
}

/** The ids of one bucket, for a snapshot. */
export interface IdBucket {
  readonly number: number
  readonly entries: Uint32Array
}

/** An id as it goes into another log. */
export interface RememberedId extends EventReference {
  /** As `parseUuidV7` reads it. Of the caller's own until the next one. */
  readonly id: Uint32Array
  /** As `readDigest` reads it; likewise. */
  readonly digest: Uint32Array
  readonly code: string | null
}

/** What came of an intent, and on which partition: nearly always the ids' own; another one where the log was somewhere else before. */
interface Outcome {
  readonly code: string | null
  readonly partition: number
}

export class RememberedIds {
  readonly #partition: number
  readonly #horizonMs: number
  readonly #buckets = new Map<number, IdTable>()
  // Entries name by number what came of them: a code, and the partition behind an @ where that is another one.
  readonly #codes: string[] = ['']
  readonly #codeNumbers = new Map<string, number>([['', 0]])
  readonly #outcomes: Outcome[]
  #oldest = 0
  // The bucket used last: almost every id is of now.
  #lastNumber = -1
  #last: IdTable | undefined = undefined

  constructor(partition: number, horizonMs: number) {
    this.#partition = partition
    this.#horizonMs = horizonMs
    this.#outcomes = [{ code: null, partition }]
  }

  /** The number of ids remembered. */
  get size(): number {
    let size = 0
    for (const bucket of this.#buckets.values()) size += bucket.size
    return size
  }

  /** `id` as `parseUuidV7` reads it, `digest` as `readDigest` does. */
  find(id: Uint32Array, digest: Uint32Array): RememberedDecision | undefined {
    const bucket = this.#bucket(bucketOf(id))
    if (bucket === undefined) return undefined
    const entry = bucket.find(id)
    if (entry < 0) return undefined
    const { code, partition } = this.#outcomes[bucket.codeNumber(entry)]!
    return {
      partition,
      offset: bucket.offset(entry),
      index: bucket.index(entry),
      code,
      isSameBody: bucket.hasDigest(entry, digest),
    }
  }

  /** The first decision of an id stays, unless `replace` is set. Notes in `added`, where given, what `remove` must know. */
  remember(
    id: Uint32Array,
    digest: Uint32Array,
    place: EventReference,
    code: string | null,
    options: { readonly added?: AddedIds; readonly replace?: boolean } = {},
  ): void {
    if (place.index > maxIndex)
      throw new RangeError(`a decision at index ${place.index}, beyond ${maxIndex}; lower timersARecord and waitersARecord`)
    if (place.offset > maxOffset)
      throw new RangeError(`a decision at offset ${place.offset}, beyond ${maxOffset}; widen the offset of the id table's entries`)
    const number = bucketOf(id)
    // What was pending for longer than ids are remembered: a state that comes from a snapshot does not know it either.
    if (number < this.#oldest) return
    const bucket = this.#bucket(number) ?? this.#addBucket(number)
    const before = bucket.size
    bucket.add(id, digest, place, this.#outcomeNumber(place.partition, code), options.replace ?? false)
    const { added } = options
    if (added === undefined || bucket.size === before) return
    added.count++
    if (!added.sizesBefore.has(number)) added.sizesBefore.set(number, before)
  }

  /** Forgets what a layer added. Of several layers, the newest must be removed first. */
  remove({ sizesBefore }: AddedIds): void {
    for (const [number, size] of sizesBefore) this.#buckets.get(number)?.truncate(size)
  }

  /** The codes that the entries of buckets name by number. */
  get codes(): readonly string[] {
    return this.#codes
  }

  *buckets(): Generator<IdBucket> {
    for (const [number, table] of this.#buckets) if (table.size > 0) yield { number, entries: table.entries() }
  }

  /** Everything that is remembered, in no order. What is yielded is overwritten by the next. */
  *all(): Generator<RememberedId> {
    const id = new Uint32Array(4)
    const digest = new Uint32Array(4)
    for (const table of this.#buckets.values()) {
      for (let entry = 0; entry < table.size; entry++) {
        table.read(entry, id, digest)
        const { code, partition } = this.#outcomes[table.codeNumber(entry)]!
        yield { id, digest, partition, offset: table.offset(entry), index: table.index(entry), code }
      }
    }
  }

  /** Before any bucket of a snapshot. */
  restoreCodes(codes: readonly string[]): void {
    for (const text of codes) {
      const [code, partition] = text.split('@') as [string, string?]
      this.#outcomeNumber(partition === undefined ? this.#partition : Number(partition), code === '' ? null : code)
    }
  }

  restoreBucket({ entries, number }: IdBucket): void {
    this.#buckets.set(number, IdTable.fromEntries(entries))
    this.#lastNumber = -1
  }

  /** Drops the buckets that lie wholly before the horizon. */
  forget(nowMs: number): void {
    const oldest = Math.floor((nowMs - this.#horizonMs) / bucketMs)
    if (oldest <= this.#oldest) return
    this.#oldest = oldest
    this.#lastNumber = -1
    for (const number of this.#buckets.keys()) if (number < oldest) this.#buckets.delete(number)
  }

  #outcomeNumber(partition: number, code: string | null): number {
    if (partition === this.#partition && code === null) return 0
    const text = partition === this.#partition ? code! : `${code ?? ''}@${partition}`
    let number = this.#codeNumbers.get(text)
    if (number === undefined) {
      number = this.#codes.length
      if (number > maxCodeNumber)
        throw new RangeError(`more than ${maxCodeNumber} reject codes and partitions: ${text}; widen the code of the id table's entries`)
      this.#codes.push(text)
      this.#outcomes.push({ code, partition })
      this.#codeNumbers.set(text, number)
    }
    return number
  }

  #bucket(number: number): IdTable | undefined {
    if (number === this.#lastNumber) return this.#last
    const bucket = this.#buckets.get(number)
    if (bucket === undefined) return undefined
    this.#lastNumber = number
    this.#last = bucket
    return bucket
  }

  // As much room as its forerunner came to need, so that under a steady load no bucket has to grow.
  #addBucket(number: number): IdTable {
    const bucket = new IdTable(this.#buckets.get(number - 1)?.size)
    this.#buckets.set(number, bucket)
    return bucket
  }
}

/** Where the first decision of each intent lies, for readers. Compact like the ids above; forgets nothing. */
export class IdIndex {
  readonly #partitions: RememberedIds[] = []
  readonly #id = new Uint32Array(4)
  readonly #noDigest = new Uint32Array(4)

  /** The first entry of an id stays, except that a decision that uses the id up replaces one that did not. */
  add(intentId: string, partition: number, logOffset: number, usesIdUp: boolean): void {
    if (!parseUuidV7(intentId, this.#id)) return
    this.#partitions[partition] ??= new RememberedIds(partition, Number.MAX_SAFE_INTEGER)
    this.#partitions[partition].remember(this.#id, this.#noDigest, { partition, offset: logOffset, index: 0 }, null, { replace: usesIdUp })
  }

  find(intentId: string): { readonly partition: number; readonly logOffset: number } | undefined {
    if (!parseUuidV7(intentId, this.#id)) return undefined
    for (const [partition, ids] of this.#partitions.entries()) {
      const found = ids?.find(this.#id, this.#noDigest)
      if (found !== undefined) return { partition, logOffset: found.offset }
    }
    return undefined
  }
}
