/** What a reaction, or the `map` of a source, gives back: read once, at this edge, into plain values that nothing can change afterwards. */
import { z } from 'zod'
import { bounds, lengths, within } from './bounds.ts'
import { canonicalize, JsonError } from './canonical.ts'
import { defaultLimits } from './limits.ts'
import type { FollowUp } from './reaction.ts'
import { checkShape, kindOf, shapeOf } from './shape.ts'

/** What may follow from one change, by one reaction. */
export const mostFollowUps = 256

/** What was given back cannot be asked for; the message says where in it, and what to give. */
export class FollowUpError extends Error {
  override readonly name = 'FollowUpError'
}

const text = (most: number) => z.string().min(1).max(most)

const followUpShape = shapeOf<FollowUp>()({
  scope: text(lengths.scope),
  actions: z
    .array(
      shapeOf<FollowUp['actions'][number]>()({
        resource: text(lengths.resource),
        action: text(lengths.action),
        input: z.record(z.string(), z.json()).optional(),
        expectedVersion: within(bounds.version).optional(),
      }),
    )
    .min(1)
    .max(defaultLimits.actions),
  note: z.string().max(defaultLimits.noteLength).optional(),
})

/** Throws FollowUpError. */
export function readFollowUps(value: unknown): readonly FollowUp[] {
  if (isPromise(value)) throw new FollowUpError('it is a promise; give the list itself, as a reaction waits for nothing')
  const length = Array.isArray(value) ? lengthOf(value) : null
  if (length === null) throw new FollowUpError(`it is ${kindOf(value)}; give a list of follow-ups, an empty one where nothing follows`)
  if (length > mostFollowUps)
    throw new FollowUpError(`it has ${length} follow-ups; give at most ${mostFollowUps}, and let others follow from those`)
  return checked(value, z.array(followUpShape)) as readonly FollowUp[]
}

/** Null for what says nothing. Throws FollowUpError. */
export function readFollowUp(value: unknown): FollowUp | null {
  if (value === null) return null
  if (isPromise(value)) throw new FollowUpError('it is a promise; give what the record says itself, as a map waits for nothing')
  if (typeof value !== 'object' || Array.isArray(value))
    throw new FollowUpError(`it is ${kindOf(value)}; give an object with scope and actions, or null where the record says nothing`)
  return checked(value, followUpShape) as FollowUp
}

function checked(value: unknown, shape: z.ZodType): unknown {
  const plain = plainOf(value)
  checkShape(shape, plain, (path, message) => {
    throw new FollowUpError(`${path === '' ? '' : `${path}: `}${message}`)
  })
  return plain
}

/** A copy: what getters and proxies say once is what it is. */
function plainOf(value: unknown): unknown {
  try {
    return JSON.parse(canonicalize(value)) as unknown
  } catch (cause) {
    if (cause instanceof JsonError) throw new FollowUpError(cause.message, { cause })
    throw new FollowUpError(`looking at it threw: ${messageOf(cause)}`, { cause })
  }
}

function lengthOf(value: readonly unknown[]): number | null {
  try {
    return value.length
  } catch {
    return null
  }
}

function isPromise(value: unknown): boolean {
  return value instanceof Promise
}

/** Of whatever was thrown: code of others may throw anything. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error && typeof thrown.message === 'string' ? thrown.message : `something that is no error: ${String(thrown)}`
  } catch {
    return 'something that cannot be told'
  }
}
