import { contractSet, defineContract, type Event, none, type ResourceChange } from '@signalbox/contract'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Candidate, CandidateCollector, partReference } from '../src/index.ts'

const contracts = contractSet([
  defineContract({
    type: 'room',
    version: 1,
    owner: { team: 'hotel', contact: '#hotel' },
    data: z.strictObject({ guest: z.string() }),
    states: ['free'],
    actions: { open: { from: none, to: 'free', input: z.strictObject({ guest: z.string() }) } },
    handoff: { requires: ['last-change', 'reservation', 'effects'] },
  }),
])

const startMs = Date.UTC(2030, 0, 1)
let offset = 0

function changeOf(resource: string, version: number, state: string, data: object): ResourceChange {
  return {
    resource,
    action: 'do',
    contractVersion: 1,
    fromVersion: version - 1,
    version,
    fromState: version === 1 ? null : state,
    state,
    data: JSON.stringify(data),
    timer: null,
    fields: null,
  }
}

function committed(changes: readonly ResourceChange[], scope = 'hotel'): Event {
  const intentId = `intent-${offset}`
  const intent = JSON.stringify({ actions: changes.map(({ resource }) => ({ resource, action: 'do' })), note: 'why' })
  return {
    partition: 0,
    offset: offset++,
    index: 0,
    time: startMs + offset,
    scope,
    type: 'IntentCommitted',
    payload: { intentId, agent: 'desk', intent, digest: '', changes, settles: null, verdict: null, amount: null },
  }
}

const references = (candidates: readonly Candidate[]) => candidates.map(partReference)

describe('candidates from events', () => {
  it('are the scope as it is, what made it so, leases that hold and effects', () => {
    offset = 0
    const collector = new CandidateCollector('hotel')
    collector.take(committed([changeOf('room/1', 1, 'free', { guest: 'a' })]))
    collector.take(committed([changeOf('room/1', 1, 'free', { guest: 'other' })], 'other scope'))
    collector.take(committed([changeOf('room/1', 2, 'free', { guest: 'b' }), changeOf('room/2', 1, 'free', { guest: 'c' })]))
    const lease = { holder: 'ann', lease: 'l', token: 4, priority: 0 }
    collector.take(committed([changeOf('reservation/room/1', 1, 'held', { ...lease, expiresMs: startMs + 60_000 })]))
    collector.take(committed([changeOf('reservation/room/2', 1, 'held', { ...lease, expiresMs: startMs + 1 })]))
    collector.take(committed([changeOf('effect/e1', 1, 'pending', { agent: 'ann', resource: 'room/1', action: 'clean' })]))
    const { candidates, notOffered } = collector.collect(['room/1', 'room/none'])
    expect(notOffered).toBe(0)
    expect(references(candidates).slice(0, 5)).toEqual([
      'resource:room/1',
      'resource:room/none',
      'reservation:room/1',
      'effect:e1',
      'decision:0/2/0',
    ])
    expect(references(candidates)).toContain('resource:room/2')
    // A lease that is over holds nothing, and what is Signalbox's own machinery is no resource of the scope.
    expect(references(candidates)).not.toContain('reservation:room/2')
    expect(references(candidates).some((reference) => reference.startsWith('resource:effect/'))).toBe(false)
    expect(collector.part('resource:room/1')).toMatchObject({ version: 2, data: '{"guest":"b"}' })
    expect(collector.part('decision:0/2/0')).toMatchObject({ agent: 'desk', note: 'why', correlationId: 'intent-2' })
    expect(collector.part('decision:0/1/0')).toBeNull()
    expect(collector.required(contracts, ['room/1'])).toEqual(['decision:0/2/0', 'reservation:room/1', 'effect:e1'])
    expect(collector.required(contracts, ['room/none', 'unheard/1'])).toEqual([])
  })

  it('are the newest of very many, with all that is named among them, however old', () => {
    offset = 0
    const collector = new CandidateCollector('hotel')
    for (let index = 0; index < 12_000; index++) collector.take(committed([changeOf(`room/${index}`, 1, 'free', { guest: 'a' })]))
    const { candidates, notOffered } = collector.collect(['room/3'])
    expect(candidates.length).toBeLessThanOrEqual(10_000)
    expect(candidates.length + notOffered).toBe(24_000)
    const all = new Set(references(candidates))
    expect(all.has('resource:room/3') && all.has('decision:0/3/0')).toBe(true)
    expect(all.has('resource:room/11999') && all.has('decision:0/11999/0')).toBe(true)
    expect(all.has('resource:room/4')).toBe(false)
  })
})
