export interface MemberClaim {
  readonly memberId: string
  /** Lanes that the member had until now, repetitions allowed. */
  readonly held: readonly number[]
}

/**
 * Deals lanes 0 up to `count` among the members: shares differ by one at most, and as many lanes as that allows stay where
 * they were, because a new owner has to catch up first. Same input, same answer.
 */
export function deal(members: readonly MemberClaim[], count: number): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((left, right) => (left.memberId < right.memberId ? -1 : 1))
  const shares = new Map<string, number[]>(sorted.map(({ memberId }) => [memberId, []]))
  if (sorted.length === 0) return shares
  const least = Math.floor(count / sorted.length)
  let largerShares = count % sorted.length
  const unclaimed: number[] = []
  for (let lane = 0; lane < count; lane++) {
    const holder = sorted.find(({ held }) => held.includes(lane))
    const share = holder && shares.get(holder.memberId)!
    if (share !== undefined && (share.length < least || (share.length === least && largerShares > 0))) {
      if (share.length === least) largerShares--
      share.push(lane)
    } else unclaimed.push(lane)
  }
  for (const lane of unclaimed) {
    const smallest = [...shares.values()].reduce((best, share) => (share.length < best.length ? share : best))
    smallest.push(lane)
  }
  for (const share of shares.values()) share.sort((left, right) => left - right)
  return shares
}
