/** The partition of a scope: Kafka's own default partitioner, so that every client that uses it agrees. */

const encoder = new TextEncoder()

/** murmur2 of bytes as `org.apache.kafka.common.utils.Utils.murmur2` computes it; a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const multiplier = 0x5bd1e995
  const length = bytes.length
  let hash = 0x9747b28c ^ length
  const whole = length & ~3
  for (let index = 0; index < whole; index += 4) {
    let word = bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24)
    word = Math.imul(word, multiplier)
    word ^= word >>> 24
    word = Math.imul(word, multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  const rest = length - whole
  if (rest === 3) hash ^= bytes[whole + 2]! << 16
  if (rest >= 2) hash ^= bytes[whole + 1]! << 8
  if (rest >= 1) {
    hash ^= bytes[whole]!
    hash = Math.imul(hash, multiplier)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return hash ^ (hash >>> 15)
}

/** The partition on which everything of a scope lies. */
export function partitionOf(scope: string, partitionCount: number): number {
  if (partitionCount === 1) return 0
  return (murmur2(encoder.encode(scope)) & 0x7fffffff) % partitionCount
}
