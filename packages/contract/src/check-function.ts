/** Refuses contract code that cannot be deterministic. What the text does not show, the core's sandbox catches when it runs. */
import { ContractError } from './contract-error.ts'

const forbidden: readonly (readonly [RegExp, string])[] = [
  [
    /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bnew\s+Date\b(?!\s*\()|(?<!new\s+)\bDate\s*\(\s*\)/,
    'it reads the clock; use nowMs of its context',
  ],
  [
    /\bMath\s*\.\s*random\b|\brandomUUID\b|\bgetRandomValues\b/,
    'it uses chance, so a replay would decide otherwise; take the value as input',
  ],
  [/\bperformance\s*\.\s*now\b|\bhrtime\b|\bTemporal\s*\.\s*Now\b/, 'it reads the clock; use nowMs of its context'],
  [
    /\basync\s*(?:function\b|\(|[\w$]+\s*=>)|\bnew\s+Promise\b|\bPromise\s*\.|\bset(?:Timeout|Interval|Immediate)\s*\(|\bqueueMicrotask\s*\(/,
    'it leaves something to be done later; a decision is over when it returns',
  ],
  [
    /\bIntl\s*\.|\.\s*toLocale\w+\s*\(|\.\s*localeCompare\s*\(/,
    'it depends on the language of the machine; compare and write texts without it',
  ],
  [/\beval\s*\(|\bnew\s+Function\b/, 'it makes code while it runs, which nobody can check; write it out'],
  [/\bfetch\s*\(|\bprocess\s*\.|\brequire\s*\(|\bimport\s*\(/, 'it reaches outside; contract code sees its context and nothing else'],
]

type AnyFunction = (...parameters: never[]) => unknown

/** Throws ContractError when `code` is asynchronous, a generator, or visibly depends on anything but its arguments. */
export function checkFunction(code: unknown, where: string): asserts code is AnyFunction {
  if (typeof code !== 'function') throw new ContractError(where, `it is ${typeof code}, not a function`)
  const kind = code.constructor.name
  if (kind === 'AsyncFunction' || kind === 'AsyncGeneratorFunction')
    throw new ContractError(where, 'it is asynchronous; decisions are synchronous, so that they replay')
  if (kind === 'GeneratorFunction') throw new ContractError(where, 'it is a generator; return the answer')
  const text = Function.prototype.toString.call(code)
  if (/^class\b/.test(text)) throw new ContractError(where, 'it is a class, which cannot be called without new; give a function')
  for (const [pattern, reason] of forbidden) if (pattern.test(text)) throw new ContractError(where, reason)
}
