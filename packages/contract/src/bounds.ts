/**
 * The bounds of numbers and texts that come from outside, in one table: the JSON and OpenAPI schemas, the checks of the
 * core, the docs of the Avro schemas and docs/bounds.md are made of it or held against it by tests. Every number in it
 * fits its Avro type, is exact in a double, and fits into 15 digits where it is a count, so that JSON, TypeScript, Avro and
 * a text of digits hold the same values.
 */
import { z } from 'zod'

export interface NumberBound {
  readonly kind: 'whole' | 'number'
  readonly least: number
  readonly most: number
  readonly what: string
}

/** The largest count: 15 digits. Avro's long, a double and every JSON reader hold it exactly, and sums of it a hundred times over. */
export const mostWhole = 999_999_999_999_999

/** A year and a day: a longer wait is a mistake in the unit. */
export const longestMs = 366 * 86_400_000

export const bounds = {
  version: whole(0, mostWhole, 'The version of a resource'),
  timeMs: whole(0, 253_402_300_799_999, 'A moment: milliseconds since 1970, UTC, up to the end of the year 9999'),
  durationMs: whole(1, longestMs, 'How long something takes or waits: milliseconds, up to 366 days'),
  priority: whole(-1_000_000, 1_000_000, 'The priority of an intent'),
  confidence: { kind: 'number', least: 0, most: 1, what: "The agent's own confidence" },
  amount: whole(0, mostWhole, 'What an intent uses up of a budget'),
  factVersion: whole(0, mostWhole, "The place of a fact in its source's order"),
  contractVersion: whole(1, 2_147_483_647, 'The version of a contract, or of the settings of containment'),
  depth: whole(0, 1_000_000, 'How many steps an intent is from the first of its chain'),
} as const satisfies Record<string, NumberBound>

/** The longest texts, in characters (UTF-16 code units). */
export const lengths = {
  intentId: 36,
  scope: 200,
  agent: 100,
  action: 64,
  resourceType: 64,
  resource: 64 + 1 + 200,
  traceId: 200,
  subject: 200,
  signature: 8_192,
  reason: 1_000,
  title: 1_000,
  result: 4_000,
  refusal: 500,
  shown: 500,
} as const

function whole(least: number, most: number, what: string): NumberBound {
  return { kind: 'whole', least, most, what }
}

export function isWithin({ kind, least, most }: NumberBound, value: unknown): value is number {
  return typeof value === 'number' && value >= least && value <= most && (kind === 'number' || Number.isInteger(value))
}

/** Like `a whole number from 0 to 10`, for messages and docs. */
export function boundText({ kind, least, most }: NumberBound): string {
  return `a ${kind === 'whole' ? 'whole ' : ''}number from ${least} to ${most}`
}

/** The zod schema of a bounded number: what is outside is refused with the bound named. */
export function within(bound: NumberBound): z.ZodNumber {
  const error = `must be ${boundText(bound)}`
  return (bound.kind === 'whole' ? z.int({ error }) : z.number({ error })).min(bound.least, { error }).max(bound.most, { error })
}
