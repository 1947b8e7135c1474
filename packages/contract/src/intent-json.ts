/** The plain JSON form of an intent: what a shell, `kcat` or any HTTP client sends. One schema for all of them. */
import { z } from 'zod'
import { bounds, lengths, within } from './bounds.ts'
import { canonicalize, JsonError, type JsonObject, readJson } from './canonical.ts'
import type { Intent } from './generated/records.ts'
import { jsonValue } from './json-value.ts'
import { defaultLimits } from './limits.ts'
import { strictly } from './shape.ts'

const version = within(bounds.version)
/** A text of which the schema tells the length, and which the decision judges: a reject is remembered and explained. */
const text = (maxLength: number) => z.string().meta({ maxLength })

export const intentJson = strictly({
  intentId: text(lengths.intentId).describe(
    'UUIDv7 in lower case; the same id with the same body is the same intent, however often it is sent',
  ),
  scope: text(lengths.scope).describe('The conflict domain and partition key'),
  agent: text(lengths.agent).describe('Who asks'),
  actions: z
    .array(
      strictly({
        resource: text(lengths.resource).describe('type/id, inside the scope'),
        action: text(lengths.action),
        input: z.record(z.string(), jsonValue).default({}),
        expectedVersion: version.nullable().default(null).describe('The version the agent reasoned on; 0 where it expects none'),
      }),
    )
    .meta({ minItems: 1, maxItems: defaultLimits.actions, description: 'Applied together or not at all' }),
  reads: z
    .array(strictly({ resource: text(lengths.resource), version }))
    .meta({ maxItems: defaultLimits.reads, description: 'Versions, in the same scope, that the reasoning was based on' })
    .default([]),
  correlationId: text(lengths.traceId).optional().describe('The piece of work this belongs to; the intent id where left out'),
  causationId: text(lengths.traceId).nullable().default(null),
  causationDepth: within(bounds.depth)
    .describe('How far the cause is from the first of its chain; a gateway that knows the cause fills it in')
    .nullable()
    .default(null),
  deadline: within(bounds.timeMs).describe('Milliseconds since 1970, UTC').nullable().default(null),
  priority: within(bounds.priority).nullable().default(null),
  confidence: within(bounds.confidence).nullable().default(null),
  onConflict: z.enum(['reject', 'wait', 'escalate']).default('reject'),
  reservation: text(lengths.traceId).nullable().default(null),
  note: text(defaultLimits.noteLength).nullable().default(null),
  signature: text(lengths.signature).nullable().default(null),
}).meta({ id: 'Intent', description: "An agent's request to apply one or more actions, all or nothing, to resources of one scope" })

export type IntentJson = z.input<typeof intentJson>

/** Turns a parsed JSON intent into a record. Throws JsonError, saying where, when a field does not fit. */
export function intentFromJson(value: unknown): Intent {
  const parsed = intentJson.safeParse(value)
  if (!parsed.success) {
    const { issues } = parsed.error
    // A misspelt key is missing besides: the one that is there says more.
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!
    throw new JsonError(issue.path.map(String).join('.'), `does not fit an intent: ${issue.message}`, { cause: parsed.error })
  }
  const intent = parsed.data
  return {
    ...intent,
    correlationId: intent.correlationId ?? intent.intentId,
    actions: intent.actions.map((action, index) => ({ ...action, input: canonicalize(action.input, `actions[${index}].input`) })),
  }
}

/** Reads the text of a JSON intent strictly. Throws JsonError. */
export function readIntentJson(text: string): Intent {
  return intentFromJson(readJson(text).value)
}

/** The plain JSON form of a record, as `intentFromJson` reads it; optional fields that are not set are left out. */
export function intentToJson(intent: Intent): JsonObject {
  const set = Object.entries(intent).filter(([, value]) => value !== null)
  return {
    ...(Object.fromEntries(set) as JsonObject),
    actions: intent.actions.map(({ expectedVersion, input, ...action }) => ({
      ...action,
      input: JSON.parse(input) as JsonObject,
      ...(expectedVersion === null ? {} : { expectedVersion }),
    })),
  }
}
