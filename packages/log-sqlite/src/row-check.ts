/**
 * Checksums of what lies beside the records in a row: its place, its counts, and the names. Records have their own. So a bit that flips in
 * any of them is noticed by whoever reads the row.
 */
import { crc32 } from 'node:zlib'

const CHECKSUM_BYTES = 4

/** Of a row of a topic's table. `namesBytes` is 0 where it has no names. */
export function rowChecksum(table: string, id: number, count: number, recordsBytes: number, namesBytes: number): number {
  return crc32(`${table} ${id} ${count} ${recordsBytes} ${namesBytes}`)
}

/** Words with their checksum behind them. `place` says which row they are of. */
export function sealWords(place: string, words: Uint32Array<ArrayBuffer>): Uint8Array {
  const sealed = new Uint8Array(words.byteLength + CHECKSUM_BYTES)
  sealed.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength))
  new DataView(sealed.buffer).setUint32(words.byteLength, checksumOf(place, sealed.subarray(0, words.byteLength)), true)
  return sealed
}

export function sealedBytes(words: Uint32Array | null): number {
  return words === null ? 0 : words.byteLength + CHECKSUM_BYTES
}

/** Undefined when they are damaged. `isSealed` is false for a row that an earlier release wrote. */
export function openWords(place: string, blob: unknown, isSealed: boolean): Uint32Array | undefined {
  if (!(blob instanceof Uint8Array)) return undefined
  const length = blob.byteLength - (isSealed ? CHECKSUM_BYTES : 0)
  if (length < 0 || length % 8 !== 0) return undefined
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  if (isSealed && view.getUint32(length, true) !== checksumOf(place, blob.subarray(0, length))) return undefined
  // A blob may lie anywhere in its buffer; words must lie on their boundaries.
  return new Uint32Array(blob.slice(0, length).buffer)
}

function checksumOf(place: string, bytes: Uint8Array): number {
  return crc32(bytes, crc32(place))
}
