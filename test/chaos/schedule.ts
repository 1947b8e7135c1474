/** Which faults strike when: drawn from the seed before anything runs. */
import type { Random } from '../support/random.ts'
import type { Point } from './points.ts'
import type { CutKind } from './proxy.ts'

export const faultKinds = ['kill', 'point', 'zombie', 'rebalance', 'broker', 'cut', 'registry', 'disk-full'] as const
export type FaultKind = (typeof faultKinds)[number]

export interface ScheduledFault {
  readonly kind: FaultKind
  /** From the start of its storm. */
  readonly atMs: number
  /** Where the kind leaves a choice, and it is not to be drawn: where a sequencer is killed, or a zombie stops. */
  readonly point?: Point
  readonly cut?: CutKind
}

/** How often each strikes beside the others. A registry that is away and a full disk take long. */
const weights: Readonly<Record<FaultKind, number>> = {
  kill: 24,
  point: 30,
  zombie: 10,
  rebalance: 3,
  broker: 10,
  cut: 14,
  registry: 2,
  'disk-full': 2,
}

/** How long the next fault may keep one waiting: some overlap, some do not. */
const longestGapMs = 5_000

export function drawStorm(random: Random, count: number, kinds: readonly FaultKind[]): readonly ScheduledFault[] {
  const ofKinds = Object.fromEntries(kinds.map((kind) => [kind, weights[kind]]))
  let atMs = 0
  return Array.from({ length: count }, () => {
    atMs += random.between(300, longestGapMs)
    return { kind: random.weighted(ofKinds) as FaultKind, atMs }
  })
}
