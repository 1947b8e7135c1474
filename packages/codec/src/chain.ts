/**
 * The hash chain of a partition's events: a link a written batch, carried in the header `sb_chain` of the batch's last
 * event. link = SHA-256(previous link, then for each event since it: 4 bytes of its value's length, big-endian, and its
 * value). The first link follows 32 zero bytes. `PartitionOpened` carries no link; the next link covers it.
 */
import { createHash, type Hash } from 'node:crypto'

export const chainHeader = 'sb_chain'
export const epochHeader = 'sb_epoch'

/** The chain does not fit what was read: an event is missing, doubled, changed or out of order. */
export class ChainError extends Error {
  override readonly name = 'ChainError'
}

export class Chain {
  #link: Buffer = Buffer.alloc(32)
  #open: Hash | null = null
  readonly #length = Buffer.alloc(4)

  /** Takes the value of the next event in. */
  add(value: Uint8Array): void {
    this.#open ??= createHash('sha256').update(this.#link)
    this.#length.writeUInt32BE(value.length)
    this.#open.update(this.#length).update(value)
  }

  /** Closes a batch: the link that its last event carries, base64url without padding. */
  close(): string {
    if (this.#open === null) throw new ChainError('a link was asked for without an event since the last one; this is a bug in Signalbox')
    this.#link = this.#open.digest()
    this.#open = null
    return this.#link.toString('base64url')
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
