/**
 * Contract code runs sealed: the clock, chance, and what reaches outside of it, now or later, throw while it runs. A
 * decision that used one would fall otherwise when it is replayed, and a timer that throws later would end the process.
 * Each holds for the synchronous run alone, so that nobody else meets it. What contract code took before, when its
 * module was loaded (`const later = setTimeout`, an import of `node:fs`), is not seen here.
 */

const RealDate = globalThis.Date
const RealPromise = globalThis.Promise

function forbidden(what: string, instead = 'take the value as input'): never {
  throw new Error(`contract code called ${what}, which a replay cannot repeat; ${instead}`)
}

const clockInstead = 'use nowMs of its context, or take the value as input'
const laterInstead = 'a decision is over when it returns'
const zoneInstead = 'it depends on the time zone of the machine; use Date.UTC, the methods with UTC, or a text with its zone'

/** What a Date answers by the time zone or the language of the machine: `getHours`, `toString`, but not `getUTCHours`, `getTime`. */
const local = /^(?:get|set)(?!UTC|Time$)|^to(?:Locale|Date|Time)?(?:Date|Time)?String$/

// Dates made while sealed have this prototype: what depends on the machine throws.
const sealedDatePrototype = Object.create(RealDate.prototype) as Date
for (const name of Object.getOwnPropertyNames(RealDate.prototype).filter((each) => local.test(each)))
  Object.defineProperty(sealedDatePrototype, name, { value: () => forbidden(`${name}() of a Date`, zoneInstead) })

function DateOfValue(): void {}
DateOfValue.prototype = sealedDatePrototype

// A day alone is UTC; a time of day without a zone is local.
const hasZone = /^\s*[+-]?\d+(?:-\d\d(?:-\d\d)?)?\s*$|(?:z|gmt|utc|[+-]\d\d:?\d\d)\s*$/i

function checkZone(value: unknown): void {
  if (typeof value === 'string' && !hasZone.test(value))
    forbidden(`Date with a text without a time zone ('${value.slice(0, 40)}')`, zoneInstead)
}

const SealedDate: DateConstructor = new Proxy(RealDate, {
  apply: () => forbidden('Date()', clockInstead),
  construct(target, parameters, newTarget) {
    if (parameters.length === 0) forbidden('new Date()', clockInstead)
    if (parameters.length > 1) forbidden('new Date(year, month, …)', zoneInstead)
    checkZone(parameters[0])
    return Reflect.construct(target, parameters, newTarget === SealedDate ? DateOfValue : newTarget)
  },
  get(target, property, receiver) {
    if (property === 'now') return () => forbidden('Date.now()', clockInstead)
    if (property === 'parse')
      return (text: string) => {
        checkZone(text)
        return RealDate.parse(text)
      }
    return Reflect.get(target, property, receiver)
  },
})

// `instanceof` looks at the prototype alone, and zod asks it of every value.
function SealedPromise(): never {
  return forbidden('new Promise()', laterInstead)
}
SealedPromise.prototype = RealPromise.prototype
for (const name of Object.getOwnPropertyNames(RealPromise))
  if (typeof Reflect.get(RealPromise, name) === 'function' && name !== 'prototype')
    Object.defineProperty(SealedPromise, name, { value: () => forbidden(`Promise.${name}()`, laterInstead) })

function sealedRandom(): number {
  return forbidden('Math.random()')
}

/** What contract code may not reach, by its name in `globalThis`. Closed: what a new version of the platform adds is added here. */
const outside: readonly string[] = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'requestAnimationFrame', 'FinalizationRegistry', 'WeakRef'],
  ...['MessageChannel', 'BroadcastChannel', 'Worker', 'Atomics', 'fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'],
  ...['process', 'require', 'crypto', 'performance', 'Temporal', 'localStorage', 'sessionStorage', 'Intl'],
]

/** Methods that answer by the language of the machine. */
const byLanguage: readonly (readonly [object, string, string])[] = [
  [String.prototype, 'String', 'localeCompare'],
  [String.prototype, 'String', 'toLocaleLowerCase'],
  [String.prototype, 'String', 'toLocaleUpperCase'],
  [Number.prototype, 'Number', 'toLocaleString'],
  [BigInt.prototype, 'BigInt', 'toLocaleString'],
  [Array.prototype, 'Array', 'toLocaleString'],
]
const languageInstead = 'it depends on the language of the machine; compare and write texts without it'

let isSealed = false
let isGuarded = false

// Once for a process, with the first contract: guards ask a flag, so that a run of contract code costs no more.
function guard(): void {
  isGuarded = true
  for (const name of outside) guardGlobal(name)
  for (const [owner, kind, name] of byLanguage) guardMethod(owner, kind, name)
}

function guardGlobal(name: string): void {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)
  if (before?.configurable !== true) return
  // Whatever somebody else puts there later, as a test does, is guarded too. The platform makes some when they are first asked for.
  let given: { readonly value: unknown } | null = before.get === undefined ? { value: before.value } : null
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: before.enumerable === true,
    get: () => {
      if (isSealed) forbidden(name)
      return given === null ? before.get!.call(globalThis) : given.value
    },
    set: (value: unknown) => {
      given = { value }
    },
  })
}

function guardMethod(owner: object, kind: string, name: string): void {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  if (before?.configurable !== true || typeof before.value !== 'function') return
  const real = before.value as (...parameters: unknown[]) => unknown
  const guarded = {
    [name](this: unknown, ...parameters: unknown[]): unknown {
      if (isSealed) forbidden(`${name}() of a ${kind}`, languageInstead)
      return Reflect.apply(real, this, parameters)
    },
  }[name]!
  Object.defineProperty(guarded, 'length', { configurable: true, value: real.length })
  Object.defineProperty(owner, name, { ...before, value: guarded })
}

/** Runs code that must depend on nothing but what it is given. What it may not reach throws. */
export function sealed<Answer>(code: () => Answer): Answer {
  if (!isGuarded) guard()
  // Whatever stood there before comes back: a test of a contract may have put its own clock there, and contract code may run contract code.
  const { Date: date, Promise: promise } = globalThis
  const { random } = Math
  const wasSealed = isSealed
  globalThis.Date = SealedDate
  globalThis.Promise = SealedPromise as unknown as PromiseConstructor
  Math.random = sealedRandom
  isSealed = true
  try {
    return code()
  } finally {
    isSealed = wasSealed
    globalThis.Date = date
    globalThis.Promise = promise
    Math.random = random
  }
}
