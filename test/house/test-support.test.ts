import { describe, expect, it } from 'vitest'
import { needsService, unitTests } from '../../infra/toolchain/unit-tests.ts'
import { files, importsOf } from './files.ts'
import { isOfTests, testSupportProblem } from './test-support.ts'

const sources = files.filter((file) => file.endsWith('.ts') && !file.includes('/generated/'))

describe('test support', () => {
  it('is imported by the tests of its room, or lies in test/support', () => {
    expect(
      sources
        .flatMap((file) => importsOf(file).map((imported) => testSupportProblem(file, imported)))
        .filter((problem) => problem !== null),
    ).toEqual([])
  })

  it.each([
    ['packages/core/test/laws.test.ts', '../../handoff/test/arbitraries.ts'],
    ['packages/log-sqlite/test/kill.test.ts', '../../log-memory/test/virtual-clock.ts'],
    ['services/escalation/test/webhook/desk.ts', '../../../../packages/core/test/worlds.ts'],
    ['test/end-to-end/audit.test.ts', '../chaos/points.ts'],
    ['test/chaos/load.ts', '../end-to-end/run-here.ts'],
    ['test/scenarios/stories.test.ts', '../../packages/handoff/test/example.ts'],
    ['infra/kafka/main.test.ts', '../../packages/log-kafka/test/support/topics.ts'],
    ['test/support/shop.ts', '../end-to-end/parcels/model.ts'],
    ['packages/cli/src/commands/intent.ts', '../../../../test/support/shop.ts'],
    ['packages/cli/src/commands/up.ts', '../../../../test/bench/index.ts'],
    ['packages/core/src/decide.ts', '../test/worlds.ts'],
    ['services/gateway/src/desk.ts', './desk.test.ts'],
  ])('a planted import is noticed: %s importing %s', (file, imported) => {
    expect(testSupportProblem(file, imported)).toMatch(file)
  })

  it.each([
    ['packages/core/test/laws.test.ts', './arbitraries.ts'],
    ['services/escalation/test/webhook/docs.test.ts', './desk.ts'],
    ['packages/core/test/laws.test.ts', '../src/decide.ts'],
    ['test/chaos/load.ts', '../support/shop.ts'],
    ['test/chaos/checker/checker.test.ts', '../points.ts'],
  ])('%s may import %s', (file, imported) => {
    expect(testSupportProblem(file, imported)).toBeNull()
  })
})

describe('the unit tier', () => {
  it('has the tests of the house, and those beside packages', () => {
    const tests = files.filter((file) => file.endsWith('.test.ts'))
    expect(tests.filter((file) => file.startsWith('test/house/') && !unitTests.includes(file))).toEqual([])
    for (const room of ['contract', 'codec', 'core', 'log-memory', 'log-sqlite'])
      expect(unitTests.some((file) => file.startsWith(`packages/${room}/`))).toBe(true)
    expect(unitTests.every((file) => tests.includes(file))).toBe(true)
  })

  it('needs no service', () => {
    expect(unitTests.filter((file) => needsService(file))).toEqual([])
  })

  it('tells a test that needs a service from one that needs none', () => {
    expect(needsService('packages/log-kafka/test/transactions.test.ts')).toBe(true)
    expect(needsService('test/end-to-end/services.test.ts')).toBe(true)
    expect(needsService('packages/core/test/waiting.test.ts')).toBe(false)
  })

  it('knows what is for tests alone', () => {
    expect(isOfTests('packages/core/src/decide.ts')).toBe(false)
    expect(isOfTests('packages/core/test/worlds.ts')).toBe(true)
  })
})
