/** The data of Signalbox's own resources, and the input of their actions: what a client sends and a console shows. */
import { z } from 'zod'
import { bounds, lengths, within } from '../bounds.ts'
import { isAgentName, isResourceName } from '../identifiers.ts'

const agentName = z.string().refine(isAgentName, 'is no agent name')
const resourceName = z.string().refine(isResourceName, 'must be type/id')
const timeMs = within(bounds.timeMs).describe('Milliseconds since 1970, UTC')
const durationMs = within(bounds.durationMs)
const reason = z.string().min(1).max(lengths.reason).describe('Why, in a sentence: it stays in the log')
const name = z.string().min(1).max(200)

/** `reservation/TYPE/ID`: a lease on a resource. */
export const reservationData = z.strictObject({
  holder: agentName,
  lease: z
    .string()
    .describe('Named by the intents that act under it, of the holder and its delegates alone: the id of the intent that took it'),
  token: z.int().describe('The fencing token: rises with every lease on the resource'),
  expiresMs: timeMs,
  priority: z.int(),
  delegates: z.array(agentName).max(16).default([]).describe('Who else may act under the lease, as its holder says'),
})
export type ReservationData = z.output<typeof reservationData>
export const reservationInputs = {
  take: z.strictObject({ forMs: durationMs }),
  renew: z.strictObject({ forMs: durationMs }),
  delegate: z.strictObject({
    to: z.array(agentName).max(16).describe('Who else may act under the lease from now on; those named before are replaced'),
  }),
}

/** `agent/NAME`: its breaker in a scope; its quarantine in its home scope and in that of every partition. */
export const agentData = z.strictObject({
  agent: agentName,
  reason: z.string(),
  sinceMs: timeMs,
  taintedSinceMs: timeMs.nullable().describe('What it wrote from then on is not to be trusted'),
  opens: z.int().describe('How often its breaker opened here within a day'),
  successes: z.int().describe('Commits in a row since it is half-open'),
  capabilities: z.array(name).max(64),
})
export type AgentData = z.output<typeof agentData>
export const agentInputs = {
  declare: z.strictObject({ capabilities: z.array(name).max(64) }),
  quarantine: z.strictObject({ reason, taintedSinceMs: timeMs.nullable().default(null) }),
  release: z.strictObject({ reason }),
}

const count = within(bounds.amount)

/** `allowance/AGENT`: in a scope, what it was lent of the agent's budget over all scopes; in its home scope, who was lent what. */
export const allowanceData = z.strictObject({
  agent: agentName,
  leases: z.array(z.strictObject({ id: z.string(), left: count, expiresMs: timeMs })).describe('In a scope: what it may spend'),
  asked: z
    .strictObject({ need: count, want: count, untilMs: timeMs.describe('Unanswered by then, it may be asked again') })
    .nullable()
    .describe('In a scope: what it has asked for'),
  returned: z.array(z.strictObject({ id: z.string(), left: count })).describe('In a scope: what just went back unspent'),
  grants: z
    .array(
      z.strictObject({
        id: z.string(),
        scope: z.string(),
        amount: count,
        expiresMs: timeMs,
        countsUntilMs: timeMs.describe('A window after the lease has ended'),
      }),
    )
    .describe('At home: what counts against the limit'),
})
export type AllowanceData = z.output<typeof allowanceData>
const grantId = z.string().min(1).max(100)
export const allowanceInputs = {
  grant: z.strictObject({ scope: z.string().min(1).max(200), grant: grantId, need: count, want: count }),
  receive: z.strictObject({ grant: grantId, amount: count, expiresMs: timeMs }),
  return: z.strictObject({ grant: grantId, left: count }),
}

const correlationId = z.string().min(1).max(200)
const partition = z.int().min(0)

/** `correlation/counts`, in the scope of a partition: what was said last of how much a piece of work (a correlation) asks. */
export const correlationData = z.strictObject({
  correlationId,
  partition: partition.describe('Where its intents were counted'),
  count: count.describe('How many of them, within the window'),
  exhausted: z
    .strictObject({ count, untilMs: timeMs })
    .nullable()
    .describe('Where it has asked too much of all partitions: how much, and until when nothing more of it is taken up'),
})
export type CorrelationData = z.output<typeof correlationData>
export const correlationInputs = {
  tell: z.strictObject({ correlationId, partition, count }),
  exhaust: z.strictObject({ correlationId, partition, count, untilMs: timeMs }),
}

/** `effect/ID`: what an agent does in the world after a commit. */
export const effectData = z.strictObject({
  agent: agentName,
  intentId: z.string(),
  resource: resourceName,
  action: z.string(),
  undo: z.string().nullable(),
  idempotent: z.boolean(),
  reportWithinMs: durationMs,
  attempt: z.int(),
  attempts: z.int(),
  result: z.string().nullable(),
})
export type EffectData = z.output<typeof effectData>
export const effectInputs = {
  done: z.strictObject({ result: z.string().max(lengths.result).optional() }),
  failed: z.strictObject({ reason }),
}

const versions = z.array(z.strictObject({ resource: z.string(), version: within(bounds.version) }))

const shownData = z
  .record(z.string(), z.json())
  .nullable()
  .describe('Null where there is none, or it had no room: then its digest stands for it')

/** A resource that an intent acts on or has read, as it is, and as it would be. */
const askedResource = z.strictObject({
  resource: z.string(),
  version: within(bounds.version),
  state: z.string().nullable().describe('Null where it does not exist'),
  data: shownData,
  dataDigest: z.string().nullable(),
  after: z
    .strictObject({ action: z.string(), state: z.string(), data: shownData, dataDigest: z.string() })
    .nullable()
    .describe('What it would become; null where it is only read, or something stands in the way'),
})
export type AskedResource = z.output<typeof askedResource>

/** `escalation/ID`: something that a human decides. */
export const escalationData = z.strictObject({
  cause: z.string().describe('Why a human is asked: a code of its own set, or the reason that a contract gives'),
  message: z.string(),
  group: z.string().describe('The same for escalations of the same cause'),
  agent: z.string().describe('Whose intent or effect it is about'),
  intentId: z.string().nullable().describe('The pending intent that the verdict settles'),
  resource: z.string().nullable(),
  levels: z.array(z.strictObject({ to: z.string(), withinMs: durationMs })),
  level: z.int(),
  to: z.string().describe('Who is asked now'),
  expiresMs: timeMs.describe(
    'When it is over at the latest: nobody having answered, it is denied. Later, where time stood still while a level was asked',
  ),
  untilMs: timeMs.nullable().default(null).describe('The deadline of the intent: no level is asked beyond it'),
  openedMs: timeMs,
  count: z.int().describe('How often the same came again'),
  versions: versions.describe('What the verdict is about: the named and read resources as they were when the human was asked'),
  asked: z
    .strictObject({
      intent: z.string().describe('The digest of the canonical intent'),
      note: z.string().nullable().describe("Why, in the agent's words"),
      confidence: z.number().nullable(),
      actions: z.array(z.strictObject({ resource: z.string(), action: z.string(), input: shownData })),
      resources: z.array(askedResource),
      isComplete: z.boolean().describe('Whether all inputs and data had room'),
    })
    .nullable()
    .default(null)
    .describe('What the pending intent asks, and what would become of it; null where no intent waits for the verdict'),
  digest: z.string().describe('Of what is asked and of the versions; a verdict repeats it'),
  approvalsNeeded: z.int(),
  approvals: z.array(z.strictObject({ by: agentName, reason })),
  separationOfDuties: z.boolean(),
  acknowledgedBy: z.string().nullable(),
  assignee: z.string().nullable(),
  verdict: z.enum(['approved', 'rejected', 'amended', 'expired', 'withdrawn', 'moot']).nullable(),
  verdictBy: z.string().nullable(),
  verdictReason: z.string().nullable(),
})
export type EscalationData = z.output<typeof escalationData>
const digest = z.string().min(1).max(100).describe('The digest of what the human saw, as the escalation shows it')
export const escalationInputs = {
  acknowledge: z.strictObject({ reason }),
  assign: z.strictObject({ reason, assignee: name }),
  approve: z.strictObject({ reason, digest }),
  reject: z.strictObject({ reason }),
  amend: z.strictObject({
    reason,
    digest,
    actions: z
      .array(z.strictObject({ resource: resourceName, action: z.string(), input: z.record(z.string(), z.json()).default({}) }))
      .min(1)
      .max(64)
      .describe('What is done in place of the intent, by the same agent'),
  }),
}

/** `task/ID`: work that one agent at a time claims. */
export const taskData = z.strictObject({
  title: z.string().min(1).max(lengths.title),
  needs: z.array(name).max(64).describe('Capabilities that its claimer must have declared'),
  payload: z.record(z.string(), z.json()),
  offeredBy: agentName,
  leaseMs: durationMs,
  claimWithinMs: durationMs.nullable(),
  claimedBy: agentName.nullable(),
  token: z.int().describe('The fencing token of the claim'),
  expiresMs: timeMs.nullable(),
  offers: z.int().describe('How often it was offered'),
  hops: z.int().describe('How often it was handed on'),
  result: z.string().nullable(),
})
export type TaskData = z.output<typeof taskData>
export const taskInputs = {
  offer: z.strictObject({
    title: z.string().min(1).max(lengths.title),
    needs: z.array(name).max(64).default([]),
    payload: z.record(z.string(), z.json()).default({}),
    leaseMs: durationMs.default(300_000),
    claimWithinMs: durationMs.nullable().default(null),
  }),
  done: z.strictObject({ result: z.string().max(lengths.result).optional() }),
  fail: z.strictObject({ reason }),
  cancel: z.strictObject({ reason }),
}

/** `handoff/ID`: a piece of work, with what must be known of it, from one agent to another. */
export const handoffData = z.strictObject({
  from: agentName,
  to: agentName,
  task: resourceName.nullable(),
  seal: z
    .string()
    .describe(
      "SHA-256 of the packet's digest: the receiver states that digest, which is in the packet alone, so that it is known to have read it",
    ),
  position: z.string().describe('partition:offset that the packet was compiled at'),
  references: versions.describe('What the packet relies on'),
  moved: z
    .array(z.strictObject({ resource: z.string(), from: z.int(), to: z.int() }))
    .describe('What of it had moved when the handoff was accepted'),
  expiresMs: timeMs,
  reason: z.string().nullable(),
})
export type HandoffData = z.output<typeof handoffData>
export const handoffInputs = {
  offer: z.strictObject({
    to: agentName,
    task: resourceName.nullable().default(null),
    seal: z.string().min(1).max(100).describe("SHA-256 of the packet's digest, base64url without padding"),
    position: z
      .string()
      .regex(/^\d{1,6}:\d{1,15}$/, 'must be PARTITION:OFFSET')
      .describe('Where the packet was compiled'),
    references: versions.max(256).default([]),
    withinMs: durationMs.default(300_000),
  }),
  accept: z.strictObject({ readback: z.string().max(100).describe('The digest of the packet, which is in the packet alone') }),
  decline: z.strictObject({ reason }),
}

/** `source/TYPE/ID`: what a system of record said last of a resource. */
export const sourceData = z.strictObject({ agent: agentName, version: z.int(), fields: z.record(z.string(), z.json()) })
export type SourceData = z.output<typeof sourceData>

export const withdrawInput = z.strictObject({ reason: reason.optional() })

/** `dead-letter/ID`: what people decided of a record that could not be processed. */
export const deadLetterData = z.strictObject({
  by: agentName.describe('Who decided last'),
  reason: z.string(),
  atMs: timeMs,
  intentId: z.string().nullable().describe('Of the intent that it is redriven as; null where it is no intent, or not redriven'),
  edited: z.boolean().describe('Whether a human wrote the intent that it is redriven as'),
  fresh: z.boolean().describe('Whether it is redriven without what its agent had seen'),
  batch: z.string().nullable().describe('The run of a command that it was redriven by'),
})
export type DeadLetterData = z.output<typeof deadLetterData>
export const deadLetterInputs = {
  redrive: z.strictObject({
    reason,
    edited: z.boolean().default(false),
    fresh: z.boolean().default(false),
    batch: z.string().min(1).max(100).nullable().default(null),
  }),
  discard: z.strictObject({ reason }),
  reopen: z.strictObject({ reason }),
}

/** `generation/log`: whether a partition's log is closed, because it goes on in other topics. */
export const generationData = z.strictObject({
  next: z.string().describe('Where the log goes on: on Kafka, the topic prefix'),
  by: agentName.describe('Who closed it, or opened it again'),
  reason: z.string(),
  sinceMs: timeMs,
})
export type GenerationData = z.output<typeof generationData>
export const generationInputs = {
  close: z.strictObject({ next: z.string().min(1).max(200), reason }),
  reopen: z.strictObject({ reason }),
}

const legAction = z.strictObject({ resource: resourceName, action: z.string(), input: z.record(z.string(), z.json()).default({}) })
const legActions = z.array(legAction).max(32)

/** `transfer/ID`: one thing done in several scopes, or in none: reserved in each, then confirmed in all, or released. */
export const transferLeg = z.strictObject({
  scope: z.string().min(1).max(200),
  reserve: legActions.min(1).describe('Takes what is needed, so that confirming cannot fail'),
  confirm: legActions.describe('Makes it final; empty where reserving was all'),
  release: legActions.describe('Gives it back; empty where there is nothing to give back'),
})
export const transferData = z.strictObject({
  agent: agentName.describe('In whose name the legs are asked'),
  legs: z.array(
    transferLeg.extend({
      status: z.enum(['reserving', 'prepared', 'refused', 'confirmed', 'released', 'stuck']),
      why: z.string().nullable(),
    }),
  ),
  expiresMs: timeMs.describe('Not prepared by then, it is released'),
  beganMs: timeMs,
})
export type TransferData = z.output<typeof transferData>
export type TransferLeg = TransferData['legs'][number]
export const transferInputs = {
  begin: z.strictObject({ legs: z.array(transferLeg).min(1).max(16), withinMs: durationMs.default(60_000) }),
  cancel: z.strictObject({ reason }),
  report: z.strictObject({ leg: z.int().min(0).max(15), why: z.string().max(2_000).optional() }),
}
