import { expect, test } from 'vitest'
import { runSeed } from './simulation.ts'

const seeds = Array.from({ length: 50 }, (_, index) => 20_000 + 37 * index)

test('a seed run twice takes the same steps to the same end', { timeout: 300_000 }, async () => {
  const first = []
  for (const seed of seeds) first.push(await runSeed(seed))
  // In another order, so that nothing that one run leaves behind in the process goes unnoticed.
  const second = []
  for (const seed of seeds.toReversed()) second.unshift(await runSeed(seed))
  for (const [index, seed] of seeds.entries()) expect(second[index], `seed ${seed}`).toEqual(first[index])
  expect(new Set(first.map(({ traceHash }) => traceHash)).size).toBe(seeds.length)
})

test('no run touches the real clock, its timers or chance', { timeout: 300_000 }, async () => {
  const touched = new Set<string>()
  const spied: [object, string][] = [
    [Date, 'now'],
    [Math, 'random'],
    [globalThis, 'setTimeout'],
    [globalThis, 'setInterval'],
    [crypto, 'getRandomValues'],
    [crypto, 'randomUUID'],
  ]
  const undo = spied.map(([owner, name]) => {
    const own = Object.getOwnPropertyDescriptor(owner, name)
    const real = Reflect.get(owner, name) as (...parameters: unknown[]) => unknown
    const spy = function (this: unknown, ...parameters: unknown[]) {
      // The test runner lives in the same process; only calls out of the simulated world count.
      if (/packages|services|test.simulation/.test((new Error().stack ?? '').split('\n').slice(2, 4).join('\n'))) touched.add(name)
      return Reflect.apply(real, this, parameters)
    }
    Object.defineProperty(owner, name, { configurable: true, writable: true, value: spy })
    return () => (own === undefined ? Reflect.deleteProperty(owner, name) : Object.defineProperty(owner, name, own))
  })
  try {
    for (const seed of seeds.slice(0, 10)) await runSeed(seed)
  } finally {
    for (const each of undo) each()
  }
  expect([...touched]).toEqual([])
})
