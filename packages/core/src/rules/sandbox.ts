/** Where contract code runs: sealed, so that a decision is the same when it is replayed, and with its faults named. */

import { Refusal, sealed, thrownText } from '@signalbox/contract'

/** Contract code threw, or did what a decision may not. The intent becomes a dead letter; the partition goes on. */
export class ContractFault extends Error {
  override readonly name = 'ContractFault'
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
  try {
    return sealed(() => {
      const answer = code(context)
      if (answer instanceof Promise) {
        // Nobody will await it: its failure must not end the process.
        answer.catch(() => {})
        throw new ContractFault(`${where} returned a promise; decisions are synchronous, so that they replay`)
      }
      return read(answer)
    })
  } catch (cause) {
    if (isPlacedFault(cause)) throw cause
    if (isRefusal(cause)) throw new ContractFault(`${where} threw what refuse() made; return it: return refuse('WHY')`)
    // What was thrown may be anything, and is looked at no further.
    throw new ContractFault(`${where} threw: ${thrownText(cause)}`)
  }
}

/** What contract code gave in place of what it should, for a message. Nothing of it is run. */
export function described(value: unknown): string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || value === undefined) return `${value}`
  return typeof value
}
