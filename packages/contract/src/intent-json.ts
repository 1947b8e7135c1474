/** The plain JSON form of an intent: what a shell, `kcat` or any HTTP client sends. One schema for all of them. */
import { z } from 'zod'
import { canonicalize, JsonError, type JsonObject, readJson } from './canonical.ts'
import type { Intent } from './generated/records.ts'

const milliseconds = z.int().min(0).describe('Milliseconds since 1970, UTC')
const version = z.int().min(0)

export const intentJson = z
  .strictObject({
    intentId: z.string().describe('UUIDv7 in lower case; the same id with the same body is the same intent, however often it is sent'),
    scope: z.string().describe('The conflict domain and partition key'),
    agent: z.string().describe('Who asks'),
    actions: z
      .array(
        z.strictObject({
          resource: z.string().describe('type/id, inside the scope'),
          action: z.string(),
          input: z.record(z.string(), z.json()).default({}),
          expectedVersion: version.nullable().default(null).describe('The version the agent reasoned on; 0 where it expects none'),
        }),
      )
      .describe('Applied together or not at all'),
    reads: z
      .array(z.strictObject({ resource: z.string(), version }))
      .default([])
      .describe('Versions, in the same scope, that the reasoning was based on'),
    correlationId: z.string().optional().describe('The piece of work this belongs to; the intent id where left out'),
    causationId: z.string().nullable().default(null),
    deadline: milliseconds.nullable().default(null),
    priority: z.int().nullable().default(null),
    confidence: z.number().min(0).max(1).nullable().default(null),
    onConflict: z.enum(['reject', 'wait', 'escalate']).default('reject'),
    reservation: z.string().nullable().default(null),
    note: z.string().nullable().default(null),
    signature: z.string().nullable().default(null),
  })
  .meta({ id: 'Intent', description: "An agent's request to apply one or more actions, all or nothing, to resources of one scope" })

export type IntentJson = z.input<typeof intentJson>

/** Turns a parsed JSON intent into a record. Throws JsonError, saying where, when a field does not fit. */
export function intentFromJson(value: unknown): Intent {
  const parsed = intentJson.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
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
