/** What holds an agent's errors where they are: settings of the whole installation, the same for every sequencer. */
import { z } from 'zod'
import { bounds, longestMs, within } from './bounds.ts'
import { whole } from './setting-shapes.ts'
import { agentPatterns, ConfigError, checkShape, shapeOf, shownText } from './shape.ts'

/** A budget over all scopes together: the agent's home scope lends parts of it to scopes. */
export interface BudgetAcross {
  /** What is counted: declared amounts of what is committed, or commits. */
  readonly measure: 'amount' | 'intents'
  /** In any window as long as `windowMs`, over all scopes. */
  readonly limit: number
  readonly windowMs: number
  /** What a scope is lent at a time; an intent that takes more gets more, where so much is left. */
  readonly slice: number
  /** How long a scope may spend what it was lent. What is left then goes back. */
  readonly leaseMs: number
}

export interface Budget {
  /** Agents' names, `*` at the end stands for any rest. The first budget that names an agent is its own. */
  readonly agents: readonly string[]
  /** Intents that got through the door, a window (`limits.windowMs`) and scope. */
  readonly intents?: number
  /** Intents that wait at a time, a scope. */
  readonly pending?: number
  /** Declared amounts of what was committed, a window and scope. */
  readonly amount?: number
  /** Over all scopes together, besides what it has in each. */
  readonly across?: BudgetAcross
}

export interface Containment {
  /** Raised with every change of these settings, as a contract's is: an older process gives way to a newer one. */
  readonly version: number
  readonly breaker: {
    /** Rejects in the window that open it; null: never. */
    readonly rejects: number | null
    /** ... if they are at least this part of what the agent asked, from 0 to 1. */
    readonly ratio: number
    /** How long it stays open before it is tried again. */
    readonly openMs: number
    /** Commits in a row that close it again. */
    readonly probes: number
    /** How often it may open in a scope within a day before the agent is quarantined everywhere; null: never. */
    readonly opensBeforeQuarantine: number | null
  }
  /** The same reject of the same resource so often in a row is a loop, and opens the breaker; null: never. */
  readonly repeatedRejects: number | null
  readonly budgets: readonly Budget[]
  /** How long a chain of intents, each caused by the one before, may become; null: any length. */
  readonly maxDepth: number | null
  /** How many intents of one correlation a scope takes in the window; null: any number. */
  readonly correlationIntents: number | null
  /** How often a task may be handed on, and offered again. */
  readonly maxHops: number
  readonly maxOffers: number
  /** Who is asked where no contract says so. */
  readonly escalateTo: string
  /** How long they have. */
  readonly escalateWithinMs: number
  /** Agents whose intents are decided in shadow: logged as what would have been, nothing of it in force. */
  readonly shadowAgents: readonly string[]
}

/** Holds nothing back but what runs away by itself: the counters that need a limit of one's own are off. */
export const defaultContainment: Containment = {
  version: 1,
  breaker: { rejects: null, ratio: 0.5, openMs: 30_000, probes: 3, opensBeforeQuarantine: null },
  repeatedRejects: null,
  budgets: [],
  maxDepth: 32,
  correlationIntents: null,
  maxHops: 8,
  maxOffers: 5,
  escalateTo: 'operators',
  escalateWithinMs: 3_600_000,
  shadowAgents: [],
}

/** As `containment` in signalbox.config.ts: what is left out has its default. */
export type ContainmentSettings = Partial<Omit<Containment, 'breaker'>> & { readonly breaker?: Partial<Containment['breaker']> }

const across = shapeOf<BudgetAcross>()({
  measure: z.enum(['amount', 'intents']),
  limit: whole(1),
  windowMs: whole(1, longestMs),
  slice: whole(1),
  leaseMs: whole(1, longestMs),
})

const budget = shapeOf<Budget>()({
  agents: agentPatterns,
  intents: whole(0).optional(),
  pending: whole(0).optional(),
  amount: whole(0).optional(),
  across: across.optional(),
})

const breaker = shapeOf<Containment['breaker']>()({
  rejects: whole(1).nullable().optional(),
  ratio: z.number().min(0).max(1).optional(),
  openMs: whole(1, longestMs).optional(),
  probes: whole(1).optional(),
  opensBeforeQuarantine: whole(1).nullable().optional(),
})

export const containmentShape = shapeOf<Containment>()({
  version: within(bounds.contractVersion).optional(),
  breaker: breaker.optional(),
  repeatedRejects: whole(1).nullable().optional(),
  budgets: z.array(budget).optional(),
  maxDepth: whole(1, bounds.depth.most).nullable().optional(),
  correlationIntents: whole(1).nullable().optional(),
  maxHops: whole(1).optional(),
  maxOffers: whole(1).optional(),
  escalateTo: shownText.min(1, { error: 'it is empty; give a text' }).optional(),
  escalateWithinMs: whole(1, longestMs).optional(),
  shadowAgents: agentPatterns.optional(),
})

/** Throws ConfigError where a setting cannot be. */
export function containmentOf(settings: ContainmentSettings = {}): Containment {
  checkShape(containmentShape, settings, (path, message) => {
    throw new ConfigError(`containment${path === '' ? '' : `.${path}`}: ${message}`)
  })
  const containment = { ...defaultContainment, ...settings, breaker: { ...defaultContainment.breaker, ...settings.breaker } }
  for (const [index, { across, agents }] of containment.budgets.entries()) {
    if (agents.length === 0)
      throw new ConfigError(`containment.budgets[${index}] names no agents; give at least one name, like 'refunder' or 'agent-*'`)
    if (across !== undefined && across.slice > across.limit)
      throw new ConfigError(
        `containment.budgets[${index}].across.slice is ${across.slice}, more than the limit of ${across.limit}; one scope alone would be lent it all`,
      )
  }
  return containment
}
