/**
 * The hash chain of a partition's events: a link a written batch, carried in the header `sb_chain` of the batch's last
 * event. link = SHA-256(previous link, then for each event since it: 4 bytes of its value's length, big-endian, and its
 * value). The first link follows 32 zero bytes. `PartitionOpened` carries no link; the next link covers it.
 */
import { hash } from 'node:crypto'

export const chainHeader = 'sb_chain'
export const epochHeader = 'sb_epoch'

/** The chain does not fit what was read: an event is missing, doubled, changed or out of order. */
export class ChainError extends Error {
  override readonly name = 'ChainError'
}

/** Where a chain stands between two events. */
export interface ChainPosition {
  /** The last link, base64url; null before the first. */
  readonly link: string | null
  /** The values of the events since it. */
  readonly open: readonly Uint8Array[]
}

export class Chain {
  #link: Buffer
  // The values since the last link. Hashed in one go: a call of the hash for each costs more than the hashing.
  #open: Uint8Array[]

  /** Goes on from a position; without one it begins at the first event. */
  constructor(from: ChainPosition = { link: null, open: [] }) {
    this.#link = from.link === null ? Buffer.alloc(32) : Buffer.from(from.link, 'base64url')
    this.#open = [...from.open]
  }

  get position(): ChainPosition {
    return { link: this.#link.toString('base64url'), open: [...this.#open] }
  }

  /** Takes the value of the next event in. */
  add(value: Uint8Array): void {
    this.#open.push(value)
  }

  /** Closes a batch: the link that its last event carries, base64url without padding. */
  close(): string {
    if (this.#open.length === 0)
      throw new ChainError('a link was asked for without an event since the last one; this is a bug in Signalbox')
    this.#link = hash('sha256', this.#preimage(), 'buffer')
    this.#open = []
    return this.#link.toString('base64url')
  }

  #preimage(): Buffer {
    let length = this.#link.length
    for (const value of this.#open) length += 4 + value.length
    const bytes = Buffer.allocUnsafe(length)
    let at = this.#link.copy(bytes)
    for (const value of this.#open) {
      at = bytes.writeUInt32BE(value.length, at)
      bytes.set(value, at)
      at += value.length
    }
    return bytes
  }

  /** Takes the next event of a log in, and checks the link that it carries, if any. Throws ChainError. */
  verify(value: Uint8Array, link: string | undefined, at: string): void {
    this.add(value)
    if (link === undefined) return
    const computed = this.close()
    if (computed !== link) {
      throw new ChainError(
        `the chain breaks at ${at}: the events up to it give ${computed}, and it carries ${link}; an event was changed, lost or added. Do not write to this log; compare it with a copy`,
      )
    }
  }
}
