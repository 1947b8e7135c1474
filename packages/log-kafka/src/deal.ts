export interface MemberClaim {
  readonly memberId: string
  /** Lanes that the member had until now, repetitions allowed. */
  readonly held: readonly number[]
  /** Lanes that it can never have. Default: none. */
  readonly refused?: readonly number[]
}

/**
 * Deals lanes 0 up to `count` among the members: shares differ by one at most, and as many lanes as that allows stay where
 * they were, because a new owner has to catch up first. Same input, same answer.
 */
export function deal(members: readonly MemberClaim[], count: number): ReadonlyMap<string, readonly number[]> {
  if (members.some(({ refused = [] }) => refused.length > 0)) return dealAround(members, count)
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

/** Where members refuse lanes: each goes to one that does not, to nobody where all do. Those with the least choice are dealt first. */
function dealAround(members: readonly MemberClaim[], count: number): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((left, right) => (left.memberId < right.memberId ? -1 : 1))
  const shares = new Map<string, number[]>(sorted.map(({ memberId }) => [memberId, []]))
  const lanes = Array.from({ length: count }, (_, lane) => ({ lane, able: sorted.filter(({ refused = [] }) => !refused.includes(lane)) }))
  lanes.sort((left, right) => left.able.length - right.able.length || left.lane - right.lane)
  const fairShare = Math.ceil(count / sorted.length)
  const shareOf = ({ memberId }: MemberClaim) => shares.get(memberId)!
  const unclaimed = lanes.filter(({ able, lane }) => {
    const holder = able.find((member) => member.held.includes(lane) && shareOf(member).length < fairShare)
    if (holder !== undefined) shareOf(holder).push(lane)
    return holder === undefined
  })
  for (const { able, lane } of unclaimed) {
    if (able.length === 0) continue
    const smallest = able.reduce((best, member) => (shareOf(member).length < shareOf(best).length ? member : best))
    shareOf(smallest).push(lane)
  }
  for (const share of shares.values()) share.sort((left, right) => left - right)
  return shares
}
