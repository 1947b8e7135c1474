/** What a seed stands for: who goes wrong and how, what the human says, and the amounts. */

export const agentNames = ['intake', 'policy', 'refund', 'warehouse', 'email'] as const
export type AgentName = (typeof agentNames)[number]
export type Mistake = 'loop' | 'twice' | 'stale' | 'crash'
export type Verdict = 'approve' | 'reject' | 'amend'

/** Bugs on purpose, so that what counts is known to count. */
export const plants = ['agent-ignores-effect-id', 'bank-ignores-keys', 'quarantined-agent-goes-on'] as const
export type Plant = (typeof plants)[number]

export interface Plan {
  readonly seed: number
  readonly wrong: AgentName
  readonly mistake: Mistake
  /** Of a crash: whether the effect had taken place. */
  readonly afterEffect: boolean
  readonly verdict: Verdict
  /** What the four refunds are about, in cents: small, large, handed over, and that of the agent gone wrong. */
  readonly cents: readonly [number, number, number, number]
}

/** In an order in which any few seeds in a row show different agents and different mistakes. */
const mistakes: readonly (readonly [AgentName, Mistake])[] = [
  ['refund', 'crash'],
  ['email', 'loop'],
  ['policy', 'stale'],
  ['refund', 'twice'],
  ['intake', 'loop'],
  ['email', 'crash'],
  ['warehouse', 'twice'],
  ['refund', 'stale'],
  ['policy', 'loop'],
  ['email', 'twice'],
  ['intake', 'stale'],
  ['refund', 'loop'],
  ['warehouse', 'stale'],
  ['policy', 'twice'],
  ['email', 'stale'],
  ['intake', 'twice'],
  ['warehouse', 'loop'],
]

/** mulberry32: numbers from 0 up to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function planOf(seed: number): Plan {
  const random = randomOf(seed)
  const between = (from: number, to: number) => from + Math.floor(random() * (to - from))
  const [wrong, mistake] = mistakes[(seed - 1) % mistakes.length]!
  const verdict = (['approve', 'reject', 'amend'] as const)[between(0, 3)]!
  return {
    seed,
    wrong,
    mistake,
    afterEffect: random() < 0.5,
    verdict,
    cents: [between(2_000, 9_000), between(60_000, 90_000), between(2_000, 9_000), between(2_000, 9_000)],
  }
}
