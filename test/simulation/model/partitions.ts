/**
 * Where scopes belong: by kafkajs's default partitioner, written a second time from the description of murmur2, so that the
 * checker trusts no code of the core. The table holds what kafkajs itself gives, in a log of two partitions.
 */
export const partitionsOfScopes: ReadonlyMap<string, 0 | 1> = new Map([
  ['site-a', 1],
  ['harbour', 1],
  ['north', 0],
  ['München', 0],
])

export const allScopes: readonly string[] = [...partitionsOfScopes.keys()]

const factor = 0x5bd1e995

function murmur2(bytes: Uint8Array): number {
  let hash = 0x9747b28c ^ bytes.length
  const whole = bytes.length & ~3
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24), factor)
    word = Math.imul(word ^ (word >>> 24), factor)
    hash = Math.imul(hash, factor) ^ word
  }
  for (let at = bytes.length - 1; at >= whole; at--) {
    hash ^= bytes[at]! << (8 * (at - whole))
    if (at === whole) hash = Math.imul(hash, factor)
  }
  hash = Math.imul(hash ^ (hash >>> 13), factor)
  return hash ^ (hash >>> 15)
}

export function modelPartitionOf(scope: string, partitionCount: number): number {
  return (murmur2(new TextEncoder().encode(scope)) & 0x7fffffff) % partitionCount
}
