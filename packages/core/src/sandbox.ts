/**
 * Contract code runs with the clock and chance switched off: a decision that used either would fall otherwise when it
 * is replayed. Both throw; a Date made from an argument stays, as it depends on nothing else.
 */

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

/** Runs contract code on `context`, synchronously. What it throws comes out as a ContractFault that says where. */
export function runContractCode<Context, Result>(where: string, code: (context: Context) => Result, context: Context): Result {
  // Whatever stood there before comes back: a test of a contract may have put its own clock there.
  const { Date: date } = globalThis
  const { random } = Math
  globalThis.Date = FrozenDate
  Math.random = frozenRandom
  try {
    const result = code(context)
    if (result instanceof Promise) {
      // Nobody will await it: its failure must not end the process.
      result.catch(() => {})
      throw new ContractFault(`${where} returned a promise; decisions are synchronous, so that they replay`)
    }
    return result
  } catch (cause) {
    if (cause instanceof ContractFault && cause.message.startsWith(where)) throw cause
    throw new ContractFault(`${where} threw: ${said(cause)}`, { cause })
  } finally {
    globalThis.Date = date
    Math.random = random
  }
}

// Anything can be thrown, and what is thrown may throw when it is looked at.
function said(cause: unknown): string {
  try {
    return cause instanceof Error ? `${cause.message}` : String(cause)
  } catch {
    return 'something that has no text'
  }
}
