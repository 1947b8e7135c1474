import { expect, test } from 'vitest'
import { plantedBugs } from './planted/bugs.ts'
import { runSeed } from './simulation.ts'

const mostSeeds = 1_000

/** The first seed whose run violates what the bug must be found by; null when none of them does. */
async function seedThatFinds(bug: (typeof plantedBugs)[number]): Promise<number | null> {
  for (let seed = 1; seed <= mostSeeds; seed++) {
    const { violations } = await runSeed(seed, { planted: bug })
    if (violations.some(({ check }) => check === bug.foundBy)) return seed
  }
  return null
}

test.each(plantedBugs)('$name: found by the check "$foundBy"', { timeout: 600_000 }, async (bug) => {
  const seed = await seedThatFinds(bug)
  console.log(`planted: ${bug.name}: found by "${bug.foundBy}" at seed ${seed}`)
  expect(seed, `no seed up to ${mostSeeds}`).not.toBeNull()
})

test('with the bugs taken out again, the same seeds show nothing', { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= 20; seed++) expect((await runSeed(seed)).violations).toEqual([])
})
