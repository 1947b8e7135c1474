import { conformanceCases, runConformanceCase } from '@signalbox/log/conformance'
import { describe, expect, it } from 'vitest'
import { memoryHarness } from './harness.ts'
import { plantedBugs } from './planted-bugs.ts'

/** Short, because some bugs are noticed by waiting in vain. */
const PATIENCE_MS = 300

function caseNamed(name: string) {
  const found = conformanceCases.find((each) => each.name === name)
  if (found === undefined) throw new Error(`The suite has no case named: ${name}`)
  return found
}

describe('the conformance suite notices', () => {
  it.each(plantedBugs)('$bug', async ({ caughtBy, harness }) => {
    await expect(runConformanceCase(caseNamed(caughtBy), memoryHarness({ ...harness, patienceMs: PATIENCE_MS }))).rejects.toThrow()
  })

  it('nothing where nothing is wrong', async () => {
    for (const name of new Set(plantedBugs.map(({ caughtBy }) => caughtBy))) {
      expect(await runConformanceCase(caseNamed(name), memoryHarness())).toBe('passed')
    }
  })
})
