/**
 * What an author writes (a contract, a config, a projection, a reaction), looked through key by key before anything of it is
 * used, as plain JavaScript has no compiler that does it. A key that there is not is refused, and the nearest one named.
 */
import { z } from 'zod'
import { lengths } from './bounds.ts'
import { classOf, isPlainObject } from './canonical.ts'
import { agentKey } from './identifiers.ts'
import { textProblem } from './name-text.ts'
import { thrownText } from './thrown.ts'

/** A definition or setting that cannot be; the message says where, what is wrong, and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** The shape of an object with exactly the keys of a type: one more or one less does not compile. */
export function shapeOf<Type extends object>() {
  return (shape: { readonly [Key in keyof Required<Type>]: z.ZodType }): z.ZodType => keyed(shape as Record<string, z.ZodType>)
}

function keyed(shape: Record<string, z.ZodType>): z.ZodType {
  return z.unknown().superRefine(onlyGiven).pipe(strictly(shape))
}

/** An object with exactly these keys; the nearest one is named where another stands. */
export function strictly<Shape extends Record<string, z.ZodType>>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? unknownKey((issue as { keys: string[] }).keys[0]!, known) : undefined),
  })
}

/** What a misspelt property gives is undefined, and would mean "no limit"; and an instance of a class has keys that nobody sees. */
function onlyGiven(value: unknown, context: z.RefinementCtx): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  if (!isPlainObject(value)) context.addIssue({ code: 'custom', message: `it is ${kindOf(value)}; give a plain object`, continue: false })
  for (const [key, member] of Object.entries(value))
    if (member === undefined)
      context.addIssue({
        code: 'custom',
        path: [key],
        message: 'it is there and undefined, as a misspelt name gives it; give a value, or leave the key out',
        continue: false,
      })
}

const maxQuoted = 100

/** Like `there is no 'gaurd'; did you mean 'guard'?` */
export function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  const there = known.length === 0 ? 'nothing is taken here' : `there are ${known.join(', ')}`
  return `there is no '${key.length > maxQuoted ? `${key.slice(0, maxQuoted)}…` : key}'; ${near === null ? there : `did you mean '${near}'?`}`
}

/** The name that a misspelt one was meant to be; null where none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const each of known) {
    // So many letters at least are one too many or too few: somebody else's text may be long.
    if (Math.abs(name.length - each.length) >= least) continue
    const distance = editDistance(name.toLowerCase(), each.toLowerCase())
    if (distance < least) {
      best = each
      least = distance
    }
  }
  return best
}

/** Letters to insert, drop, replace or swap with their neighbour (optimal string alignment distance). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, rows[i - 2]![j - 2]! + 1)
      row.push(least)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

const kinds: { readonly [type: string]: string } = {
  array: 'a list',
  object: 'an object',
  record: 'an object',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

/** What stands there in place of what is asked for. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 64))}`
  if (typeof value === 'object') return isPlainObject(value) ? 'an object' : `a ${classOf(value)}`
  return typeof value === 'function' ? 'a function' : `${String(value)}`
}

const wording: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `it is missing; give ${kinds[issue.expected] ?? issue.expected}`
        : `it is ${kindOf(issue.input)}; give ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `it is ${kindOf(issue.input)}; give ${issue.values.map(String).join(', ')}`
    case 'too_small':
    case 'too_big':
      return `it is ${kindOf(issue.input)}; give ${issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`}${issue.origin === 'array' ? ' of them' : ''}`
    case 'invalid_union':
      return `it is ${kindOf(issue.input)}, which is none of what may stand here`
    default:
      return undefined
  }
}

/** Refuses a value that has not the shape: with the path inside it and a sentence. */
export function checkShape(shape: z.ZodType, value: unknown, refuse: (path: string, message: string) => never): void {
  let result: z.ZodSafeParseResult<unknown>
  try {
    result = shape.safeParse(value, { error: wording })
  } catch (cause) {
    refuse('', `looking at it threw: ${thrownText(cause)}`)
  }
  if (result.success) return
  const { issues } = result.error
  const { message, path } = deepest(issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!)
  refuse(path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`)).join(''), message)
}

/** Of a union, what the alternative that came furthest says. */
function deepest(issue: z.core.$ZodIssue): { readonly path: PropertyKey[]; readonly message: string } {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.flat().map((each) => deepest({ ...each, path: [...issue.path, ...each.path] } as z.core.$ZodIssue))
  return inner.reduce((best, each) => (each.path.length > best.path.length ? each : best), { path: issue.path, message: issue.message })
}

// The parts of which shapes are made.

/** A text that is not empty. */
export const someText = z.string().min(1, { error: 'it is empty; give a text' })

/** A text that people are shown, and that events repeat. */
export const shownText = z
  .string()
  .refine((text) => text.length <= lengths.shown, {
    error: (issue) => `it has ${(issue.input as string).length} characters; give at most ${lengths.shown}`,
  })
  .refine((text) => textProblem(text) === null, { error: (issue) => `it ${textProblem(issue.input as string)}` })

export const code = z.custom<unknown>((value) => typeof value === 'function', {
  error: (issue) => `it is ${kindOf(issue.input)}; give a function`,
})

export const anySchema = z.custom<unknown>((value) => (value as { _zod?: { def?: unknown } } | null)?._zod?.def !== undefined, {
  error: (issue) => `it is ${kindOf(issue.input)}; give a schema made with zod 4`,
})

/** Names of agents; `*` at the end stands for any rest. */
export const agentPatterns = z
  .array(
    z
      .string()
      .regex(/^(?:[A-Za-z0-9][A-Za-z0-9._@-]*(?::[A-Za-z0-9][A-Za-z0-9._@-]*)*:?)?\*?$/, {
        error: (issue) =>
          `it is ${kindOf(issue.input)}; give the name of an agent, like 'refunder', or a beginning of names, like 'human:*'`,
      })
      .refine((pattern) => pattern !== '' && !pattern.endsWith(':'), {
        error: (issue) =>
          `it is ${kindOf(issue.input)}; give the name of an agent, like 'refunder', or a beginning of names, like 'human:*'`,
      }),
    { error: (issue) => `it is ${kindOf(issue.input)}; give a list of names, like ['refunder']` },
  )
  .superRefine((names, context) => {
    const twice = names.findIndex((name, at) =>
      names.some((other, before) => before < at && other !== name && agentKey(other) === agentKey(name)),
    )
    if (twice >= 0)
      context.addIssue({
        code: 'custom',
        path: [twice],
        message: `it is ${kindOf(names[twice])}, and another of them differs in case alone: they are one name wherever agents are counted; keep one`,
      })
  })
