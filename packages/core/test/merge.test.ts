/** The policy merge: a resource that moved on is no conflict while other fields moved. */
import { contractSet, defineContract, none } from '@signalbox/contract'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { owner } from './contracts.ts'
import { Story } from './specification.ts'

const edit = (input: object, expectedVersion = 1) => ({ resource: 'page/a', action: 'edit', input, expectedVersion })

function page(): Story {
  const story = new Story()
  story.when({ resource: 'page/a', action: 'open', input: { title: 't', body: 'b', tags: ['x'] } })
  return story
}

test('who changed other fields is no conflict, and both changes stay', () => {
  const story = page()
  story.when(edit({ title: 't2' })).commits({ fields: ['title'] })
  story.when(edit({ body: 'b2' })).commits({ fields: ['body'], fromVersion: 2, version: 3 })
  expect(story.resource('page/a').data).toEqual({ title: 't2', body: 'b2', tags: ['x'] })
})

test('who changed the same field is, and is told which', () => {
  const story = page()
  story.when(edit({ title: 't2', tags: ['y'] }))
  story.when(edit({ title: 't3', tags: ['z'] })).rejects('STALE_VERSION', {
    expectedVersion: 1,
    actualVersion: 2,
    details: expect.stringContaining('"fields":["tags","title"]'),
    missed: [expect.objectContaining({ version: 2 })],
  })
})

test('to write what is there already changes nothing, and is no conflict', () => {
  const story = page()
  story.when(edit({ title: 't2' }))
  story.when(edit({ title: 't2', body: 'b2' })).commits({ fields: ['body'] })
})

test('each of several changes since then counts', () => {
  const story = page()
  story.when(edit({ title: 't2' }))
  story.when(edit({ body: 'b2' }, 2))
  story.when(edit({ tags: [] })).commits({ fields: ['tags'] })
  story.when(edit({ title: 'mine' })).rejects('STALE_VERSION')
  story.when(edit({ body: 'mine' })).rejects('STALE_VERSION')
})

test('of changes beyond what the state remembers nobody knows what they touched', () => {
  const story = page()
  for (let version = 1; version <= 20; version++) story.when(edit({ title: `t${version}` }, version))
  story.when(edit({ body: 'late' })).rejects('STALE_VERSION', { details: expect.stringContaining('"missedCount":20') })
  story.when(edit({ body: 'in time' }, 15)).commits({ fields: ['body'] })
})

test('a version is needed all the same, and one from the future is none', () => {
  const story = page()
  story.when({ resource: 'page/a', action: 'edit', input: { title: 'x' } }).rejects('VERSION_REQUIRED')
  story.when(edit({ title: 'x' }, 2)).rejects('VERSION_FROM_THE_FUTURE')
  story.when(edit({ title: 'x' }, 0)).rejects('STALE_VERSION')
})

test('a field may be called as what every object has', () => {
  const odd = defineContract({
    type: 'odd',
    version: 1,
    owner,
    data: z.record(z.string(), z.int()),
    states: ['live'],
    actions: {
      open: { from: none, to: 'live', input: z.record(z.string(), z.int()) },
      set: { from: 'live', conflict: 'merge', input: z.record(z.string(), z.int()), apply: ({ data, input }) => ({ ...data, ...input }) },
    },
  })
  const story = new Story({ contracts: contractSet([odd]) })
  story.when({ resource: 'odd/o', action: 'open', input: { toString: 1 } })
  const set = (input: object) => story.when({ resource: 'odd/o', action: 'set', input, expectedVersion: 1 })
  set({ constructor: 2 }).commits({ fields: ['constructor'] })
  set({ valueOf: 3 }).commits({ fields: ['valueOf'] })
  set({ constructor: 4 }).rejects('STALE_VERSION')
})
