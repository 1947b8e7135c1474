/** What people decide of dead letters: redriven once, discarded, reopened only where no second intent can come of it. */
import { defaultLimits, derivedId, homeScope, parseUuidV7, systemScope } from '@signalbox/contract'
import { describe, expect, test } from 'vitest'
import { rules, Story, startMs } from './specification.ts'

const scope = systemScope(0, 1)
const ann = { agent: 'human:ann', scope }
const letter = 'dead-letter/intents:0:17'
const verdict = (action: string, input: object = {}, resource = letter) => ({ resource, action, input: { reason: 'mended', ...input } })
const found = (story: Story, name = letter) => {
  const { data, state } = story.state.resourceIn(scope, name)!
  return { state, data: JSON.parse(data) }
}

describe('a redrive', () => {
  test('gives the id of the new intent, made of the letter, the mark and the time of the log', () => {
    const story = new Story()
    story
      .passes(5_000)
      .when(verdict('redrive', { batch: 'friday' }), ann)
      .commits({ fromState: null, state: 'redriven' })
    const intentId = derivedId(startMs + 5_000, ['redrive', 'intents:0:17', '0/0'], rules.sha256)
    expect(parseUuidV7(intentId, new Uint32Array(4))).toBe(true)
    expect(found(story)).toEqual({
      state: 'redriven',
      data: { by: 'human:ann', reason: 'mended', atMs: startMs + 5_000, intentId, edited: false, fresh: false, batch: 'friday' },
    })
  })

  test('comes once: a second is refused, and a discard behind it', () => {
    const story = new Story()
    story.when(verdict('redrive'), ann)
    const before = found(story)
    story.when(verdict('redrive'), ann).rejects('STATE_CONFLICT')
    story.when(verdict('discard'), ann).rejects('STATE_CONFLICT')
    expect(found(story)).toEqual(before)
  })

  test('is for people, with a reason, alone, in the scope of the partition', () => {
    const story = new Story()
    story.when(verdict('redrive'), { agent: 'clerk', scope }).rejects('AGENT_NOT_ALLOWED')
    story.when({ resource: letter, action: 'redrive', input: {} }, ann).rejects('INPUT_INVALID')
    story.when([verdict('redrive'), verdict('redrive', {}, 'dead-letter/intents:0:18')], ann).rejects('GUARD_REFUSED')
    story.when(verdict('redrive'), { ...ann, scope: 'bank-1' }).rejects('GUARD_REFUSED')
    story.when(verdict('redrive'), { ...ann, scope: homeScope('ann') }).rejects('GUARD_REFUSED')
    story.when(verdict('redrive', {}, 'dead-letter/intents:1:17'), ann).rejects('GUARD_REFUSED')
    story.when(verdict('redrive', {}, 'dead-letter/intents:0:017'), ann).rejects('GUARD_REFUSED')
    story.when(verdict('redrive', {}, 'dead-letter/elsewhere:0:17'), ann).rejects('GUARD_REFUSED')
    expect(story.events.filter(({ type }) => type === 'IntentCommitted')).toEqual([])
  })

  test('of what is no intent makes none', () => {
    const story = new Story()
    story.when(verdict('redrive', {}, 'dead-letter/escalation:0:3'), ann)
    expect(found(story, 'dead-letter/escalation:0:3').data.intentId).toBeNull()
    story.when(verdict('reopen', {}, 'dead-letter/escalation:0:3'), ann).commits({ state: 'open' })
  })

  test('is never held back by a budget', () => {
    const story = new Story({ containment: { budgets: [{ agents: ['human:*'], intents: 1 }] } })
    for (let number = 0; number < 3; number++) story.when(verdict('redrive', {}, `dead-letter/intents:0:${number}`), ann).commits({})
  })
})

describe('a discard', () => {
  test('can be taken back by an explicit word, and then redriven', () => {
    const story = new Story()
    story.when(verdict('discard'), ann).commits({ state: 'discarded' })
    story.when(verdict('redrive'), ann).rejects('STATE_CONFLICT')
    story.when(verdict('reopen', { reason: 'it was needed' }), ann).commits({ fromState: 'discarded', state: 'open' })
    story.when(verdict('redrive'), ann).commits({ fromState: 'open', state: 'redriven' })
    expect(found(story).data.intentId).not.toBeNull()
  })
})

describe('what is redriven', () => {
  test('is reopened only when its intent can no longer be decided; its next id is another', () => {
    const story = new Story()
    story.when(verdict('redrive'), ann)
    const { intentId } = found(story).data
    story.when(verdict('reopen'), ann).rejects('GUARD_REFUSED')
    story
      .passes(defaultLimits.identityHorizonMs + defaultLimits.clockSkewMs)
      .when(verdict('reopen'), ann)
      .rejects('GUARD_REFUSED')
    story.passes(1).when(verdict('reopen'), ann).commits({ fromState: 'redriven', state: 'open' })
    story.when(verdict('redrive'), ann)
    expect(found(story).data.intentId).not.toBe(intentId)
  })
})
