/** What a run is about: which operations its agents draw most, on what, and how much the settings of containment let them. */
import { type Containment, type ContainmentSettings, containmentOf } from '@signalbox/contract'
import type { Random } from '../support/random.ts'
import { allScopes } from './model/partitions.ts'

export type Operation =
  | 'propose'
  | 'blind'
  | 'spoiled'
  | 'again'
  | 'reused'
  | 'coordinate'
  | 'look'
  | 'dryRun'
  | 'task'
  | 'handoff'
  | 'transfer'
  | 'answer'
  | 'oversee'
  | 'flood'
  | 'press'
  | 'meddle'

export interface Plan {
  readonly theme: Theme
  readonly weights: Readonly<Record<Operation, number>>
  /** What agents act on, some of it more often than the rest. */
  readonly resources: readonly string[]
  /** Whether webhook targets are told of escalations. */
  readonly tells: boolean
  /** Where agents act. */
  readonly scopes: readonly string[]
  /** How likely an intent waits, is caused by another, and is of a piece of work that others have a part in. */
  readonly waits: number
  readonly caused: number
  /** How many operations an agent draws, at least and at most. */
  readonly operations: readonly [number, number]
  /** Agents in all; the fourth and the fifth are human. */
  readonly agents: number
  readonly containment: Containment
  /** Whether humans close partitions, and open them again. */
  readonly closes: boolean
  /** Whether the log is moved into another with other partitions. */
  readonly moves: boolean
}

// Few of each, so that agents get into each other's way.
const everything = [
  ...['stock/rooms', 'stock/rooms', 'stock/beds', 'account/one', 'account/one', 'account/two', 'claim/1', 'claim/2', 'job/sweep'],
  ...['refund/1', 'refund/1', 'listing/1', 'listing/1', 'payout/1', 'trial/1'],
] as const

const plain = { propose: 10, blind: 6, spoiled: 3, again: 2, reused: 2, coordinate: 7, look: 1, dryRun: 1 }
const rest = { ...plain, task: 2, handoff: 1, transfer: 1, answer: 8, oversee: 2, flood: 0.5, press: 0.5, meddle: 1.5 }
const few = { ...rest, propose: 5, blind: 2, spoiled: 0.5, again: 0.5, reused: 0.5, coordinate: 2 }

type Theme = keyof typeof themes
const themes = {
  mixed: { share: 6, weights: rest, resources: everything, waits: 0.25, caused: 0.1, agents: [3, 5] },
  work: { share: 4, weights: { ...few, task: 14, handoff: 10 }, resources: everything, waits: 0.1, caused: 0.1, agents: [3, 4] },
  people: {
    share: 5,
    weights: { ...few, propose: 9, answer: 40, oversee: 4, coordinate: 6 },
    resources: ['refund/1', 'payout/1', 'payout/1', 'account/one'],
    waits: 0.1,
    caused: 0.1,
    agents: [5, 5],
  },
  crowd: {
    share: 3,
    weights: { ...few, blind: 5, press: 14 },
    resources: ['stock/rooms', 'stock/rooms', 'stock/beds'],
    waits: 0.7,
    caused: 0,
    agents: [4, 5],
  },
  limits: {
    share: 3,
    weights: { ...few, propose: 8, flood: 4, press: 5 },
    resources: ['account/one', 'stock/rooms', 'payout/1'],
    waits: 0.5,
    caused: 0.5,
    agents: [3, 5],
  },
  facts: {
    share: 2,
    weights: { ...few, propose: 12, blind: 6 },
    resources: ['listing/1', 'listing/1', 'listing/1', 'trial/1'],
    waits: 0.1,
    caused: 0.1,
    agents: [3, 4],
  },
  transfers: {
    share: 3,
    weights: { ...few, transfer: 9 },
    resources: ['stock/rooms', 'job/sweep'],
    waits: 0.1,
    caused: 0.1,
    agents: [3, 4],
  },
} satisfies Record<string, unknown>

export function drawPlan(random: Random): Plan {
  const shares = Object.fromEntries(Object.entries(themes).map(([name, { share }]) => [name, share])) as Record<Theme, number>
  const theme = random.weighted(shares)
  const { agents, caused, resources, waits, weights } = themes[theme]
  const [least = 3, most = 3] = agents
  const scopes = drawScopes(random, theme)
  const tells = random.chance(theme === 'people' ? 0.8 : 0.3)
  const operations = theme === 'mixed' ? ([4, 10] as const) : ([6, 14] as const)
  return {
    theme,
    operations,
    tells,
    weights,
    scopes,
    resources,
    waits,
    caused,
    agents: random.between(least, most),
    containment: drawContainment(random, theme),
    ...drawEnding(random, theme),
  }
}

/** Who opened again what is being moved would have it decided twice. */
function drawEnding(random: Random, theme: Theme): Pick<Plan, 'closes' | 'moves'> {
  // Where much is under way, or waits, there is most to lose.
  const isFull = theme === 'transfers' || theme === 'crowd'
  const kind = random.weighted({ neither: 6, closes: theme === 'crowd' ? 6 : 2, moves: isFull ? 4 : 1.5 })
  return { closes: kind === 'closes', moves: kind === 'moves' }
}

/** All of them, or so few that everybody meets everybody. */
function drawScopes(random: Random, theme: Theme): readonly string[] {
  if (theme === 'mixed' && random.chance(0.4)) return allScopes
  if (theme === 'transfers' || random.chance(0.3))
    return random.pick([
      ['site-a', 'north'],
      ['harbour', 'München'],
    ])
  return [random.pick(allScopes)]
}

/** Off in some runs; small enough elsewhere that a short run comes to them. */
function drawContainment(random: Random, theme: Theme): Containment {
  const isStrict = theme === 'limits'
  const settings: ContainmentSettings = {
    maxHops: random.between(1, 2),
    maxOffers: random.between(1, 2),
    escalateWithinMs: random.pick([4_000, 3_600_000]),
    shadowAgents: random.chance(0.1) ? ['agent-2'] : [],
    ...(isStrict || random.chance(0.3) ? drawLimits(random) : {}),
  }
  return containmentOf(settings)
}

function drawLimits(random: Random): ContainmentSettings {
  const budgets = [
    { agents: ['agent-0'], intents: random.between(4, 9), pending: 1, amount: random.between(10, 30) },
    { agents: ['agent-*', 'human:bob'], amount: random.between(5, 20) },
  ]
  return {
    breaker: {
      rejects: random.pick([null, 2, 4]),
      ratio: random.pick([0.3, 0.6]),
      openMs: random.pick([600, 3_000]),
      probes: random.between(1, 2),
      opensBeforeQuarantine: random.pick([null, 2]),
    },
    repeatedRejects: random.pick([null, 3]),
    budgets: random.chance(0.6) ? budgets : [],
    maxDepth: random.pick([2, 3, 32]),
    correlationIntents: random.pick([null, 2, 4]),
  }
}
