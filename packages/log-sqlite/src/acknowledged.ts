import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/*
 * How many records were acknowledged, in a file beside the database. SQLite takes a write-ahead log whose end is damaged
 * for one that a crash cut off, and goes on without it; only this count tells the two apart. It is written after the
 * transaction is durable and needs no sync of its own: after a power cut it may be too low, never too high.
 */
const BYTES = 12

function acknowledgedFile(directory: string): string {
  return join(directory, 'acknowledged')
}

/** 0 when nothing is known. */
export function readAcknowledged(directory: string): number {
  let bytes: Buffer
  try {
    bytes = readFileSync(acknowledgedFile(directory))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
    throw error
  }
  if (bytes.byteLength !== BYTES || crc32(bytes.subarray(0, 8)) !== bytes.readUInt32LE(8)) return 0
  return bytes.readDoubleLE(0)
}

export class AcknowledgedCount {
  readonly #descriptor: number
  readonly #bytes = Buffer.alloc(BYTES)
  #total: number

  constructor(directory: string, total: number) {
    this.#descriptor = openSync(acknowledgedFile(directory), 'w')
    this.#total = total
    this.add(0)
  }

  add(records: number): void {
    this.#total += records
    this.#bytes.writeDoubleLE(this.#total, 0)
    this.#bytes.writeUInt32LE(crc32(this.#bytes.subarray(0, 8)), 8)
    writeSync(this.#descriptor, this.#bytes, 0, BYTES, 0)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
