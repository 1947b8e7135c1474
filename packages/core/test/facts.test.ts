/** Facts of systems of record: taken once, in their source's order; where they contradict what was committed, that is a drift. */
import { explain } from '@signalbox/core'
import { expect, test } from 'vitest'
import { type AskedAction, intent, Story } from './specification.ts'

const fact = (action: string, at: number, cents: number, name = 'tea'): AskedAction => ({
  resource: 'price/tea',
  action,
  input: { cents, name, at },
})
const erp = { agent: 'erp' }
const set = (cents: number) => ({ resource: 'price/tea', action: 'set', input: { cents } })

function learnt(): Story {
  const story = new Story()
  story.when(fact('learn', 10, 100), erp)
  return story
}

test('a fact is taken, and what its source said is kept', () => {
  const story = learnt()
  expect(story.resource('source/price/tea')).toMatchObject({
    state: 'known',
    data: { agent: 'erp', version: 10, fields: { cents: 100, name: 'tea' } },
  })
  story.when(fact('hear', 11, 120), erp).commits({ resource: 'price/tea' }, { resource: 'source/price/tea', action: 'state' })
})

test('a duplicate and a late one are outdated', () => {
  const story = learnt()
  for (const at of [10, 9]) {
    story.when(fact('hear', at, 120), erp).rejects('FACT_OUTDATED', {
      resource: 'price/tea',
      details: JSON.stringify({ version: at, known: 10 }),
    })
  }
  expect(story.resource('price/tea').data.cents).toBe(100)
})

test('what only the source moved is no drift', () => {
  expect(learnt().when(fact('hear', 11, 120), erp).events).toHaveLength(1)
})

test('what agents changed since, to something else than the source says now, is; it names both values and is put before a human', () => {
  const story = learnt()
  story.when(set(150))
  const outcome = story.when(fact('hear', 11, 120), erp)
  expect(outcome.summary.slice(1)).toEqual(['drift', expect.stringMatching(/^escalation trigger escalation\/drift-[\w-]{22} triggered$/)])
  outcome.says('RuleApplied', {
    rule: 'drift',
    resource: 'price/tea',
    details: JSON.stringify({ fields: [{ committed: '150', field: 'cents', stated: '120' }], resource: 'price/tea', version: 11 }),
  })
  const [name] = [...story.state.resources()]
    .map(([key]) => key.slice(key.indexOf('\u0000') + 1))
    .filter((key) => key.startsWith('escalation/'))
  expect(story.resource(name!).data).toMatchObject({ cause: 'DRIFT', agent: 'erp', resource: 'price/tea', to: 'pricing', count: 1 })
  // Again, while it is open: counted, not opened a second time.
  story.when(set(151))
  expect(story.when(fact('hear', 12, 130), erp).summary[2]).toContain('escalation again')
  expect(story.resource(name!).data.count).toBe(2)
})

test('what agents changed to what the source says now is none', () => {
  const story = learnt()
  story.when(set(120))
  expect(story.when(fact('hear', 11, 120), erp).events).toHaveLength(1)
})

test('a drift is put before nobody where the contract names nobody', () => {
  const story = learnt()
  story.when(set(150))
  expect(story.when(fact('overhear', 11, 120), erp).summary.slice(1)).toEqual(['drift'])
})

test('only its source states it', () => {
  learnt()
    .when(fact('hear', 11, 120))
    .rejects('AGENT_NOT_ALLOWED')
})

test('a value that nests as deep as JSON may is refused where it cannot be kept, and nothing ends', () => {
  const story = learnt()
  let tree: unknown = 1
  for (let depth = 0; depth < 62; depth++) tree = [tree]
  story.when({ resource: 'price/tea', action: 'nest', input: { at: 11, tree } }).commits({}, { resource: 'source/price/tea' })
  story
    .when({ resource: 'price/tea', action: 'nest', input: { at: 12, tree: [tree] } })
    .rejects('DEAD_LETTERED', { message: expect.stringContaining('nests deeper') })
  const asked = intent({ resource: 'price/tea', action: 'nest', input: { at: 13, tree: [tree] } })
  const record = { offset: story.state.nextOffset, timestampMs: story.nowMs, intent: asked, problem: null }
  expect(explain(story.state, record, story.rules)).toMatchObject({ outcome: 'rejected', rejection: { code: 'DEAD_LETTERED' } })
})
