export interface MemberClaim {
  readonly memberId: string
  /** Partitions that the member had until now. */
  readonly held: readonly number[]
}

/**
 * Deals partitions 0 up to `partitionCount` among the members: shares differ by one at most, and as many partitions as that
 * allows stay where they were, because a new owner reads its partition's events from the start. Same input, same answer.
 */
export function dealPartitions(members: readonly MemberClaim[], partitionCount: number): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((left, right) => (left.memberId < right.memberId ? -1 : 1))
  const shares = new Map<string, number[]>(sorted.map(({ memberId }) => [memberId, []]))
  if (sorted.length === 0) return shares
  const least = Math.floor(partitionCount / sorted.length)
  let largerShares = partitionCount % sorted.length
  const unclaimed: number[] = []
  for (let partition = 0; partition < partitionCount; partition++) {
    const holder = sorted.find(({ held }) => held.includes(partition))
    const share = holder && shares.get(holder.memberId)!
    if (share !== undefined && (share.length < least || (share.length === least && largerShares > 0))) {
      if (share.length === least) largerShares--
      share.push(partition)
    } else unclaimed.push(partition)
  }
  for (const partition of unclaimed) {
    const smallest = [...shares.values()].reduce((best, share) => (share.length < best.length ? share : best))
    smallest.push(partition)
  }
  for (const share of shares.values()) share.sort((left, right) => left - right)
  return shares
}
