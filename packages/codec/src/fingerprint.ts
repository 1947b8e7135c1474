/**
 * CRC-64-AVRO, the fingerprint by which single-object encoding names a schema (Avro specification 1.12, "Schema
 * Fingerprints"), of the parsing canonical form.
 */

const empty = 0xc15d213aa4d7a795n

const table: bigint[] = []
for (let index = 0; index < 256; index++) {
  let value = BigInt(index)
  for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (empty & -(value & 1n))
  table.push(BigInt.asUintN(64, value))
}

/** The fingerprint of a schema's canonical form, as the 8 little-endian bytes that single-object encoding puts after `C3 01`. */
export function fingerprint(canonicalForm: string): Uint8Array {
  let value = empty
  for (const byte of new TextEncoder().encode(canonicalForm)) value = (value >> 8n) ^ table[Number((value ^ BigInt(byte)) & 0xffn)]!
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, value, true)
  return bytes
}
