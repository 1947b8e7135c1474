/** Which keys the definition of a contract has, and what stands under each. What it means is checked in `check-contract.ts`. */
import { z } from 'zod'
import { bounds, within } from './bounds.ts'
import type { ActionRules, ContractDefinition, EffectRule, EscalationRule } from './contract.ts'
import type { Coordination, CoordinationParts, EscalationLevel } from './coordination.ts'
import type { ContractOwner } from './generated/records.ts'
import { agentPatterns, anySchema, code, shapeOf, shownText, someText } from './shape.ts'
import type { UpcastStep } from './upcast.ts'

const whole = z.int({ error: (issue) => `it is ${String(issue.input)}; give a whole number` })
const states = z.union([someText, z.array(someText)])
const shown = shownText.refine((text) => text.trim() !== '', {
  error: 'it is empty; name the owner, team and contact: rejects and escalations show them',
})

const named = shownText.refine((text) => text !== '', { error: 'it is empty; give a text' })

const escalationRule = shapeOf<EscalationRule<unknown>>()({ reason: named, when: code, to: shownText, approvals: whole.optional() })
const effectRule = shapeOf<EffectRule>()({ reportWithinMs: whole, idempotent: z.boolean(), attempts: whole.optional() })
const factRule = shapeOf<NonNullable<ActionRules<string, unknown, never, string>['fact']>>()({
  fields: z.array(someText),
  version: code,
  escalateTo: named.optional(),
})

const action = shapeOf<ActionRules<string, unknown, never, string> & { readonly input?: unknown }>()({
  from: states,
  to: someText.optional(),
  by: agentPatterns.optional(),
  input: anySchema.optional(),
  conflict: z.string().optional(),
  guard: code.optional(),
  apply: code.optional(),
  escalate: z.array(escalationRule).optional(),
  effect: effectRule.optional(),
  undo: someText.optional(),
  amount: code.optional(),
  fact: factRule.optional(),
})

const level = shapeOf<EscalationLevel>()({ to: shownText, withinMs: whole })
const timer = shapeOf<Coordination['after'][string]>()({ ms: whole, action: someText })

export const contractShape = shapeOf<ContractDefinition<string, z.ZodType, never, never> & Pick<CoordinationParts, 'after'>>()({
  type: z.string(),
  version: within(bounds.contractVersion),
  owner: shapeOf<ContractOwner>()({ team: shown, contact: shown }),
  data: anySchema,
  states: z.array(z.string()),
  actions: z.record(z.string(), action),
  invariants: z.record(z.string(), code).optional(),
  upcast: z.record(z.string(), shapeOf<UpcastStep>()({ resource: code.optional(), action: code.optional() })).optional(),
  dataSubject: code.optional(),
  after: z.record(z.string(), timer).optional(),
  waiting: shapeOf<Coordination['waiting']>()({
    queue: whole.optional(),
    bypasses: whole.optional(),
    deadlineMs: whole.optional(),
  }).optional(),
  reservation: shapeOf<Coordination['reservation']>()({ maxMs: whole.optional() }).optional(),
  maxPriority: whole.optional(),
  escalation: shapeOf<Coordination['escalation']>()({
    levels: z.array(level).optional(),
    separationOfDuties: z.boolean().optional(),
  }).optional(),
  contradictions: shapeOf<NonNullable<Coordination['contradictions']>>()({ count: whole, to: named }).nullable().optional(),
  rounds: shapeOf<NonNullable<Coordination['rounds']>>()({ count: whole, withinMs: whole, to: named }).nullable().optional(),
  shadow: z.boolean().optional(),
  handoff: shapeOf<Coordination['handoff']>()({ requires: z.array(z.string()).optional() }).optional(),
})
