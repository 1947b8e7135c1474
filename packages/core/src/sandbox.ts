/**
 * Contract code runs with the clock and chance switched off: a decision that used either would fall otherwise when it
 * is replayed. Both throw; a Date made from an argument stays, as it depends on nothing else.
 */

import { canonicalize, JsonError, Refusal, thrownText } from '@signalbox/contract'

/** Contract code threw, or did what a decision may not. The intent becomes a dead letter; the partition goes on. */
export class ContractFault extends Error {
  override readonly name = 'ContractFault'
}

const RealDate = globalThis.Date

function forbidden(what: string): never {
  throw new ContractFault(
    `contract code called ${what}, which a replay cannot repeat; use nowMs of its context, or take the value as input`,
  )
}

const FrozenDate = new Proxy(RealDate, {
  apply: () => forbidden('Date()'),
  construct(target, parameters, newTarget) {
    if (parameters.length === 0) forbidden('new Date()')
    return Reflect.construct(target, parameters, newTarget)
  },
  get(target, property, receiver) {
    if (property === 'now') return () => forbidden('Date.now()')
    return Reflect.get(target, property, receiver)
  },
})

function frozenRandom(): number {
  return forbidden('Math.random()')
}

const itself = (answer: unknown): unknown => answer

// A fault that says where already, like `contract refund@1, …`. Looking at what was thrown may throw.
function isPlacedFault(cause: unknown): cause is ContractFault {
  try {
    return cause instanceof ContractFault && /^contract \S+@\d/.test(cause.message)
  } catch {
    return false
  }
}

function isRefusal(cause: unknown): boolean {
  try {
    return cause instanceof Refusal
  } catch {
    return false
  }
}

/**
 * Runs contract code on `context`, synchronously, and gives what `read` makes of its answer; looking at that may run contract
 * code too. What is thrown comes out as a ContractFault that says where.
 */
export function runContractCode<Context, Answer, Result = Answer>(
  where: string,
  code: (context: Context) => Answer,
  context: Context,
  read: (answer: Answer) => Result = itself as (answer: Answer) => Result,
): Result {
  // Whatever stood there before comes back: a test of a contract may have put its own clock there.
  const { Date: date } = globalThis
  const { random } = Math
  globalThis.Date = FrozenDate
  Math.random = frozenRandom
  try {
    const answer = code(context)
    if (answer instanceof Promise) {
      // Nobody will await it: its failure must not end the process.
      answer.catch(() => {})
      throw new ContractFault(`${where} returned a promise; decisions are synchronous, so that they replay`)
    }
    return read(answer)
  } catch (cause) {
    if (isPlacedFault(cause)) throw cause
    if (isRefusal(cause)) throw new ContractFault(`${where} threw what refuse() made; return it: return refuse('WHY')`)
    // What was thrown may be anything, and is looked at no further.
    throw new ContractFault(`${where} threw: ${thrownText(cause)}`)
  } finally {
    globalThis.Date = date
    Math.random = random
  }
}

/** The text of what contract code made. To be called where that code runs: its getters and proxies are part of it. */
export function jsonTextOf(where: string, made: unknown): string {
  try {
    return canonicalize(made, 'data')
  } catch (cause) {
    if (cause instanceof JsonError) throw new ContractFault(`${where} made data that JSON cannot hold: ${cause.message}`, { cause })
    throw cause
  }
}

/** What contract code gave in place of what it should, for a message. Nothing of it is run. */
export function described(value: unknown): string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || value === undefined) return `${value}`
  return typeof value
}
