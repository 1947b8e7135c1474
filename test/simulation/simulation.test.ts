import { rejectCodes } from '@signalbox/contract'
import { expect, test } from 'vitest'
import { ownChanges } from './model/built-in.ts'
import { isReachedElsewhere, ownWays } from './own-ways.ts'
import { runSeed } from './simulation.ts'
import { Summary } from './summary.ts'

const seeds = 1_000

test(`${seeds} seeds without a violation`, { timeout: 600_000 }, async () => {
  const summary = new Summary()
  const failures: string[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await runSeed(seed)
    summary.add(result)
    for (const { check, message } of result.violations)
      failures.push(`seed ${seed}: ${check}: ${message} (replay: npm run simulate -- --seed ${seed} --trace)`)
  }
  const figures = summary.toJson()
  console.log(`simulation: ${JSON.stringify(figures)}`)
  expect(failures).toEqual([])
  // Every code but the one that a person gives by hand, and the one for results beyond what a broker takes, which are too large for so many runs.
  const reached = Object.keys(figures.decisions_by_outcome).filter((name) => Object.hasOwn(rejectCodes, name))
  expect(reached).toEqual(
    Object.keys(rejectCodes)
      .filter((code) => code !== 'RESULT_TOO_LARGE' && code !== 'SKIPPED')
      .sort(),
  )
  const ways = Object.keys(figures.own_ways)
  expect([...new Set(ways.map((way) => way.slice(0, way.indexOf(':'))))].sort()).toEqual([...ownChanges].sort())
  // What the pages of Signalbox's own contracts draw is what happens: nothing else, and all of it.
  expect(ways.filter((way) => !ownWays.has(way))).toEqual([])
  expect([...ownWays].filter((way) => !ways.includes(way) && !isReachedElsewhere(way))).toEqual([])
  // A run in which nothing happens proves nothing.
  expect(figures.decisions).toBe(figures.intents)
  expect(figures.intents).toBeGreaterThan(20 * seeds)
  expect(figures.moves).toBeGreaterThan(seeds / 10)
  for (const count of [figures.crashes, figures.unknown_outcomes, figures.zombies]) expect(count).toBeGreaterThan(seeds / 2)
})
