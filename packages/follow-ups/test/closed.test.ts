/** Follow-ups of a log that is closed: nothing of them is lost, and nothing is taken for decided that was only turned away. */
import { defineReaction, type Event, generationResource, type Intent, systemScope, type TransferData } from '@signalbox/contract'
import { describe, expect, it } from 'vitest'
import { followUpsOf, Undecided } from '../src/index.ts'

const partitionCount = 1
const settings = {
  partitionCount,
  reactions: [
    defineReaction({
      name: 'mail',
      react: ({ resource, state }) =>
        resource.startsWith('order/') && state === 'open' ? [{ scope: 'mails', actions: [{ resource: 'mail/1', action: 'send' }] }] : [],
    }),
  ],
}

const change = { action: 'act', contractVersion: 1, fromVersion: 0, version: 1, fromState: null, timer: null, fields: null }

function committed(offset: number, scope: string, resource: string, state: string, data: object = {}, action = 'act'): Event {
  const intentId = `019e807a-ec00-7000-8000-${`${offset}`.padStart(12, '0')}`
  const intent = JSON.stringify({ intentId, scope, agent: 'clerk', actions: [] })
  const changes = [{ ...change, action, resource, state, data: JSON.stringify(data) }]
  const payload = { intentId, agent: 'clerk', intent, digest: '', changes, settles: null, verdict: null, amount: null }
  return { partition: 0, offset, index: 0, time: 1_800_000_000_000 + offset, scope, type: 'IntentCommitted', payload }
}

function rejected(offset: number, { agent, intentId, note, scope }: Intent, code: string): Event {
  const nothing = { owner: null, resource: null, expectedVersion: null, actualVersion: null, movedBy: null, missed: [], retryAfterMs: null }
  const intent = JSON.stringify({ actions: [], agent, correlationId: 'c', intentId, ...(note === null ? {} : { note }), scope })
  const payload = { intentId, agent, intent, digest: '', code, message: 'm', details: null, settles: null, ...nothing }
  return { partition: 0, offset, index: 0, time: 1_800_000_000_000 + offset, scope, type: 'IntentRejected', payload }
}

function generation(offset: number, state: 'closed' | 'open'): Event {
  return committed(offset, systemScope(0, partitionCount), generationResource, state)
}

describe('follow-ups of a closed log', () => {
  it('are kept back while it is closed, and appended once it is open', () => {
    const undecided = new Undecided(settings)
    undecided.take(generation(1, 'closed'))
    undecided.take(committed(2, 'shop', 'order/1', 'open'))
    expect(undecided.takeNew()).toEqual([])
    expect(undecided.all()).toHaveLength(1)
    undecided.take(generation(3, 'open'))
    expect(undecided.takeNew()).toHaveLength(1)
    expect(undecided.takeNew()).toEqual([])
  })

  it('are appended once more where they came too late, and only once', () => {
    const undecided = new Undecided(settings)
    undecided.take(committed(1, 'shop', 'order/1', 'open'))
    const [intent] = undecided.takeNew()
    undecided.take(generation(2, 'closed'))
    expect(undecided.take(rejected(3, intent!, 'GENERATION_CLOSED'))).toEqual({ intentId: intent!.intentId, code: 'GENERATION_CLOSED' })
    expect(undecided.takeNew()).toEqual([])
    expect(undecided.all()).toEqual([intent])
    undecided.take(generation(4, 'open'))
    expect(undecided.takeNew()).toEqual([intent])
    undecided.take(rejected(5, intent!, 'STATE_CONFLICT'))
    expect(undecided.all()).toEqual([])
  })

  it('no leg is taken for refused that was only turned away', () => {
    const legs: TransferData['legs'] = [
      {
        scope: 'b',
        reserve: [{ resource: 'seat/1', action: 'hold', input: {} }],
        confirm: [],
        release: [],
        status: 'reserving',
        why: null,
      },
    ]
    const data: TransferData = { agent: 'clerk', legs, expiresMs: 1_900_000_000_000, beganMs: 1_800_000_000_000 }
    const begun = committed(1, 'a', 'transfer/1', 'preparing', data, 'begin')
    const [leg] = followUpsOf(begun, settings)
    expect(leg).toMatchObject({ scope: 'b', agent: 'clerk' })
    expect(followUpsOf(rejected(2, leg!, 'GENERATION_CLOSED'), settings)).toEqual([])
    expect(followUpsOf(rejected(3, leg!, 'STATE_CONFLICT'), settings)).toMatchObject([{ scope: 'a', actions: [{ action: 'refused' }] }])
    const undecided = new Undecided(settings)
    undecided.take(begun)
    undecided.take(rejected(2, leg!, 'GENERATION_CLOSED'))
    expect(undecided.all()).toEqual([leg])
  })
})
