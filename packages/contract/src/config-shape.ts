/** Which keys `signalbox.config.ts` has, and what stands under each. */
import { z } from 'zod'
import { bounds, longestMs, within } from './bounds.ts'
import type { SignalboxConfig } from './config.ts'
import type { Budget, BudgetAcross, Containment } from './containment.ts'
import { isContract } from './define-contract.ts'
import type { EscalationSettings, WebhookTargetSettings } from './escalation-settings.ts'
import type { ConfiguredProjection, ProjectorSettings } from './projector-settings.ts'
import type { Reaction } from './reaction.ts'
import { agentPatterns, code, kindOf, shapeOf, shownText, someText } from './shape.ts'
import type { Source } from './source.ts'

const whole = (least: number, most: number = bounds.amount.most) => within({ kind: 'whole', least, most, what: '' })
const ruleName = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, {
  error: (issue) => `it is ${kindOf(issue.input)}; give a name of 1 to 64 lower-case letters, digits and dashes, a letter first`,
})
const address = z.string().refine(isAddress, {
  error: (issue) => `it is ${kindOf(issue.input)}; give an address like http://127.0.0.1:7070`,
})

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

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

export const reactionShape = shapeOf<Reaction>()({ name: ruleName, react: code })
export const sourceShape = shapeOf<Source>()({ name: ruleName, topic: someText, agent: someText, map: code })

// What each may be, the escalation consumer checks when it makes its targets.
const target = shapeOf<WebhookTargetSettings>()({
  name: someText,
  url: someText,
  secrets: z.array(z.string()),
  allowPrivate: z.boolean().optional(),
  allowPlain: z.boolean().optional(),
  ports: z.array(whole(1, 65_535)).optional(),
  certificateAuthorities: z.array(z.string()).optional(),
  concurrency: whole(1).optional(),
  queueLimit: whole(1).optional(),
  timeoutMs: whole(1, longestMs).optional(),
  attempts: whole(1).optional(),
})

const escalation = shapeOf<EscalationSettings>()({
  targets: z.array(target).optional(),
  routes: z.record(z.string(), z.array(someText)).optional(),
})

const projector = shapeOf<ProjectorSettings>()({
  store: z.enum(['sqlite', 'postgres']).optional(),
  schema: someText.optional(),
  shipped: z.array(someText).optional(),
  history: z.boolean().optional(),
  url: address.optional(),
})

const contract = z.custom<unknown>(isContract, {
  error: (issue) => `it is ${kindOf(issue.input)}; give a contract that defineContract made`,
})

// A package of their own makes them, and checks them then.
const projection = z.custom<ConfiguredProjection>(
  (value) =>
    typeof value === 'object' && value !== null && ['name', 'version', 'tables', 'maxParked'].every((key) => Object.hasOwn(value, key)),
  { error: (issue) => `it is ${kindOf(issue.input)}; give a projection that defineProjection made` },
)

export const configShape = shapeOf<SignalboxConfig & { readonly contractSet?: unknown; readonly contained?: unknown }>()({
  contracts: z.array(contract),
  agents: agentPatterns.optional(),
  containment: containmentShape.optional(),
  reactions: z.array(reactionShape).optional(),
  sources: z.array(sourceShape).optional(),
  escalation: escalation.optional(),
  projections: z.array(projection).optional(),
  projector: projector.optional(),
  dataDirectory: someText.optional(),
  log: z.enum(['sqlite', 'kafka']).optional(),
  partitions: whole(1, 1_000).optional(),
  keys: someText.optional(),
  url: address.optional(),
  // What `defineConfig` adds, so that what it made may be given to it again.
  contractSet: z.unknown().optional(),
  contained: z.unknown().optional(),
})
