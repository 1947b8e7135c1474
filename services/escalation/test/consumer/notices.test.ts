/** The id of a notification: one for all attempts at all starts, and no other's, whatever log or generation tells it. */
import type { Event } from '@signalbox/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noticesOf, placeOfId, receiptKey } from '../../src/index.ts'

function event(partition: number, offset: number, more: { scope?: string; time?: number; resources?: readonly string[] } = {}): Event {
  const { resources = ['escalation/one'], scope = 'shop', time = 1_000 } = more
  const data = JSON.stringify({ to: 'desk', level: 0, group: 'g', levels: [{ to: 'desk', withinMs: 1_000 }] })
  const changes = resources.map((resource) => ({ resource, action: 'trigger', fromState: null, state: 'triggered', data }))
  return { partition, offset, index: 0, scope, time, type: 'IntentCommitted', payload: { changes } } as unknown as Event
}

const idsOf = (of: Event, log: string) => noticesOf(of, log).map(({ notification }) => notification.id)

describe('the id of a notification', () => {
  it('is the same each time, and differs by log, place, scope, escalation, and time', () => {
    const [first] = idsOf(event(0, 5), 'log-a')
    expect(idsOf(event(0, 5), 'log-a')).toEqual([first])
    const others = [
      ...idsOf(event(0, 5), 'log-b'),
      ...idsOf(event(1, 5), 'log-a'),
      ...idsOf(event(0, 6), 'log-a'),
      ...idsOf(event(0, 5, { scope: 'depot' }), 'log-a'),
      // Topics that were deleted and made anew under the same names have the same log id.
      ...idsOf(event(0, 5, { time: 1_001 }), 'log-a'),
      ...idsOf(event(0, 5, { resources: ['escalation/two', 'escalation/three'] }), 'log-a'),
    ]
    expect(new Set([first, ...others]).size).toBe(others.length + 1)
    // What Standard Webhooks signs is separated by dots.
    for (const id of [first!, ...others]) expect(id).toMatch(/^[A-Za-z0-9_-]{1,255}$/)
  })

  it('is no other for any two logs and places', () => {
    const place = fc.tuple(fc.string(), fc.nat(100), fc.nat(1_000_000))
    fc.assert(
      fc.property(place, place, (one, other) => {
        const [a, b] = [one, other].map(([log, partition, offset]) => idsOf(event(partition, offset), log)[0])
        expect(a === b).toBe(JSON.stringify(one) === JSON.stringify(other))
      }),
    )
  })

  it('has the receipts of an earlier release, and of the log that this one is a restored copy of', () => {
    const [id] = idsOf(event(3, 41_822), 'a-restored-copy')
    expect(placeOfId(id!)).toBe('3-41822-0-0')
    expect(receiptKey('escalation-3-41822-0-0', 'pager')).toBe(receiptKey(id!, 'pager'))
    expect(receiptKey(idsOf(event(3, 41_822), 'the-log')[0]!, 'pager')).toBe(receiptKey(id!, 'pager'))
    expect(receiptKey(id!, 'pager')).not.toBe(receiptKey(id!, 'chat'))
    expect(receiptKey(idsOf(event(3, 41_823), 'the-log')[0]!, 'pager')).not.toBe(receiptKey(id!, 'pager'))
  })
})
