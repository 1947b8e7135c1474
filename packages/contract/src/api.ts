/** What the gateway answers, as schemas: its OpenAPI description, the client's types and the command's JSON are these. */
import { z } from 'zod'
import { jsonValue } from './json-value.ts'

const reference = z.string().describe('partition/offset/index of an event')
const jsonObject = z.record(z.string(), jsonValue)

export const resourceMoveJson = z
  .object({ event: reference, intentId: z.string(), agent: z.string(), action: z.string(), version: z.int(), time: z.int() })
  .meta({ id: 'ResourceMove', description: 'A commit that moved a resource' })

export const resourceChangeJson = z
  .object({
    resource: z.string(),
    action: z.string(),
    contractVersion: z.int(),
    fromVersion: z.int(),
    version: z.int(),
    fromState: z.string().nullable(),
    state: z.string(),
    data: jsonObject,
    timer: z.object({ due: z.int(), action: z.string() }).nullable().describe('What happens by itself if nothing happens before'),
    fields: z.array(z.string()).nullable().describe('The top-level fields that changed, where the contract merges'),
  })
  .meta({ id: 'ResourceChange', description: 'The after-image of one resource that a commit changed' })

export const decisionJson = z
  .object({
    intentId: z.string().nullable().describe('Null when the record could not be decoded'),
    scope: z.string(),
    agent: z.string().nullable(),
    committed: z.boolean(),
    duplicate: z.boolean().describe('Whether the intent had been decided before; this is that first decision'),
    event: reference,
    position: z.string().describe('partition:offset behind the event in the log; give it as atLeast to read your own write'),
    time: z.int().describe('Logical time, milliseconds since 1970, UTC'),
    pending: z
      .object({
        reason: z.enum(['waiting', 'escalated']),
        until: z.int().describe('When it is rejected at the latest: milliseconds since 1970, UTC'),
        escalation: z.string().nullable().describe('The escalation that a human decides, as type/id'),
        resources: z.array(z.string()).describe('With whose change it is decided again'),
      })
      .nullable()
      .describe('Set while the intent is not decided: it waits, or a human is asked; code and message say for what'),
    shadow: z
      .object({ by: z.string(), wouldBe: z.enum(['committed', 'rejected']), changes: z.array(resourceChangeJson) })
      .nullable()
      .describe('Set where the intent was decided in shadow: what would have become of it'),
    verdict: z.string().nullable().describe('The escalation under whose verdict it was committed'),
    effects: z
      .array(
        z.object({
          effectId: z.string().describe('Use it as idempotency key in the world'),
          resource: z.string(),
          action: z.string(),
          idempotent: z.boolean(),
          reportWithinMs: z.int(),
        }),
      )
      .describe('What the agent is to do in the world now, and to report'),
    changes: z.array(resourceChangeJson),
    code: z.string().nullable(),
    message: z.string().nullable().describe('What happened, to what, and what to do next'),
    page: z.string().nullable().describe('The page of the code in the documentation'),
    owner: z.object({ team: z.string(), contact: z.string() }).nullable(),
    resource: z.string().nullable(),
    expectedVersion: z.int().nullable(),
    actualVersion: z.int().nullable(),
    movedBy: resourceMoveJson.nullable(),
    missed: z.array(resourceMoveJson).describe('The commits that the agent missed, oldest first'),
    retryAfterMs: z.int().nullable(),
    details: jsonObject.nullable(),
  })
  .meta({ id: 'Decision', description: 'The decision on an intent' })
export type Decision = z.output<typeof decisionJson>

/** What a decision came to, in a word. */
export function decisionOutcome({ committed, pending, shadow }: Decision): 'committed' | 'rejected' | 'pending' | 'shadowed' {
  if (committed) return 'committed'
  return pending !== null ? 'pending' : shadow !== null ? 'shadowed' : 'rejected'
}

export const resourceJson = z
  .object({
    scope: z.string(),
    resource: z.string(),
    exists: z.boolean(),
    version: z.int(),
    state: z.string(),
    data: jsonObject.nullable(),
    lastChange: resourceMoveJson.nullable(),
    timer: z.object({ due: z.int(), action: z.string() }).nullable().describe('What happens by itself if nothing happens before'),
    fault: z
      .string()
      .optional()
      .describe('Why state and data are as an older version of the contract wrote them: the upcast of the contract of now failed'),
  })
  .meta({ id: 'Resource', description: 'A resource as guards see it: what an older version of its contract wrote is upcast' })
export type Resource = z.output<typeof resourceJson>

export const observationJson = z
  .object({
    scope: z.string(),
    position: z.string().describe('partition:offset that the cut is as of'),
    time: z.int(),
    resources: z.array(resourceJson),
  })
  .meta({ id: 'Observation', description: 'Several resources of a scope as one consistent cut' })
export type Observation = z.output<typeof observationJson>

export const invalidationJson = z
  .object({
    resource: z.string(),
    from: z.int().describe('The version that was seen'),
    version: z.int().describe('The version that it has now'),
    state: z.string(),
    movedBy: resourceMoveJson.describe('The last change'),
    position: z.string().describe('partition:offset behind that change'),
  })
  .meta({ id: 'Invalidation', description: 'Something that an agent has read has moved' })
export type Invalidation = z.output<typeof invalidationJson>

export const checkJson = z
  .object({ name: z.string(), result: z.enum(['passed', 'failed', 'not reached']), seen: jsonObject.nullable() })
  .meta({ id: 'Check' })

export const explanationJson = z
  .object({
    outcome: z.enum(['committed', 'rejected', 'duplicate', 'pending', 'shadowed']),
    time: z.int(),
    checks: z.array(checkJson),
    code: z.string().nullable(),
    message: z.string().nullable(),
    page: z.string().nullable(),
    owner: z.object({ team: z.string(), contact: z.string() }).nullable(),
    resource: z.string().nullable(),
    expectedVersion: z.int().nullable(),
    actualVersion: z.int().nullable(),
    movedBy: resourceMoveJson.nullable(),
    missed: z.array(resourceMoveJson),
    changes: z.array(resourceChangeJson),
  })
  .meta({ id: 'Explanation', description: 'Every check of a decision with the values it saw, computed anew' })
export type ExplanationJson = z.output<typeof explanationJson>

export const explainedDecisionJson = z
  .object({
    decision: decisionJson,
    intent: jsonObject.nullable(),
    explanation: explanationJson,
    stoodOn: z
      .array(
        z.object({
          resource: z.string(),
          version: z.int().describe('The version that the intent names'),
          actual: z.int().describe('The version that it had when the decision fell'),
          movedBy: resourceMoveJson.nullable().describe('The last change, where it had moved on'),
        }),
      )
      .describe('What the agent had read, and what had moved since'),
    agrees: z.boolean().describe('Whether the decision computed anew is the decision recorded'),
    notAtHand: z
      .array(z.string())
      .describe(
        'Contracts that decided, like refund@1, and are not in the config: the checks are those of newer versions, so look at the decision',
      ),
  })
  .meta({ id: 'ExplainedDecision' })
export type ExplainedDecision = z.output<typeof explainedDecisionJson>

export const statusJson = z
  .object({
    software: z.string(),
    log: z.string().describe('The kind of log: sqlite or kafka'),
    logId: z.string().describe('Names this log and no other; a restored copy has another id'),
    ready: z.boolean(),
    partitions: z.array(
      z.object({
        partition: z.int(),
        phase: z.string().nullable().describe('Of the sequencer in this process; null where it is not owned here'),
        intentsEnd: z.int().describe('The offset past everything that was appended, also what an open transaction still hides'),
        nextIntent: z.int().describe('Source offset of the next intent to decide'),
        lag: z.int().describe('Intents that wait for their decision'),
        eventsEnd: z.int(),
        time: z.int(),
        resources: z.int(),
        rememberedIds: z.int(),
        closed: z.string().nullable().describe('Where the log goes on, where nothing more is decided here; null while it is open'),
      }),
    ),
    troubles: z
      .array(
        z.object({
          kind: z.string().describe('topic, open transaction or unserved partition'),
          topic: z.string().nullable(),
          partition: z.int().nullable(),
          since: z.int().describe('Milliseconds since 1970, UTC, of when this process first saw it'),
          message: z.string().describe('What it is, what follows, and what to do'),
        }),
      )
      .optional()
      .describe('What others do to the log that holds it up, or puts it in danger; earlier releases leave it out'),
    deadLetters: z
      .record(z.string(), z.int())
      .optional()
      .describe('By topic, how many dead letters there are, settled ones too; signalbox dead-letter list shows the open ones'),
    contracts: z.array(z.object({ type: z.string(), version: z.int(), owner: z.object({ team: z.string(), contact: z.string() }) })),
  })
  .meta({ id: 'Status' })
export type Status = z.output<typeof statusJson>

/** The closed set of codes with which the gateway refuses a request, as opposed to rejecting an intent. */
export const problemCodes = [
  'REQUEST_MALFORMED',
  'BODY_MALFORMED',
  'BODY_TOO_LARGE',
  'MEDIA_TYPE_UNSUPPORTED',
  'QUERY_INVALID',
  'HOST_NOT_ALLOWED',
  'ORIGIN_NOT_ALLOWED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'IDEMPOTENCY_KEY_REUSED',
  'NOT_IN_THIS_LOG',
  'TOO_MANY_READERS',
  'NOT_READY',
  'LOG_FULL',
  'LOG_UNAVAILABLE',
  'LOG_DAMAGED',
  'INTERNAL',
] as const
export type ProblemCode = (typeof problemCodes)[number]

export const problemJson = z
  .object({
    code: z.enum(problemCodes),
    message: z.string().describe('What happened, to what, and what to do next'),
    path: z.string().optional().describe('The field concerned'),
  })
  .meta({ id: 'Problem', description: 'Why a request was refused' })
export type Problem = z.output<typeof problemJson>
