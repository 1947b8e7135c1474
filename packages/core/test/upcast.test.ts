/** Versions of a contract side by side: the newest decides, and takes what an older one wrote as its upcast says. */
import { contractRecords, contractSet, defineContract, none, refuse } from '@signalbox/contract'
import { preparedContracts } from '@signalbox/core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { owner, rules, Story } from './specification.ts'

const amountV1 = z.strictObject({ euros: z.int() })
const first = defineContract({
  type: 'bill',
  version: 1,
  owner,
  data: amountV1,
  states: ['open', 'closed'],
  actions: {
    open: { from: none, to: 'open', input: amountV1 },
    close: { from: 'open', to: 'closed', conflict: 'commutative' },
  },
})

/** Cents in place of euros, and 'closed' is 'settled' now. */
function second(upcast: Parameters<typeof defineContract>[0]['upcast'] | null = steps) {
  return defineContract({
    type: 'bill',
    version: 3,
    owner,
    data: z.strictObject({ cents: z.int(), currency: z.string() }),
    states: ['open', 'settled'],
    actions: {
      open: { from: none, to: 'open', input: z.strictObject({ cents: z.int(), currency: z.string() }) },
      add: {
        from: 'open',
        conflict: 'commutative',
        input: z.strictObject({ cents: z.int() }),
        guard: ({ data, read }) => (data.cents >= 0 && read('bill/other').state !== 'settled') || refuse('OTHER_SETTLED'),
        apply: ({ data, input }) => ({ ...data, cents: data.cents + input.cents }),
      },
      settle: { from: 'open', to: 'settled', conflict: 'commutative' },
    },
    ...(upcast === null ? {} : { upcast }),
  })
}

const steps = {
  1: {
    resource: ({ data, state }: { data: { euros?: unknown }; state: string }) => ({
      state: state === 'closed' ? 'settled' : state,
      data: { cents: 100 * Number(data.euros) },
    }),
  },
  2: { resource: ({ data, state }: { data: object; state: string }) => ({ state, data: { ...data, currency: 'EUR' } }) },
} as never

function story(contract = second()): Story {
  const one = new Story({ contracts: contractSet([first]) })
  one.when({ resource: 'bill/a', action: 'open', input: { euros: 5 } })
  one.when({ resource: 'bill/done', action: 'open', input: { euros: 1 } })
  one.when({ resource: 'bill/done', action: 'close' })
  Object.assign(one.rules, { contracts: preparedContracts(contractSet([first, contract])) })
  return one
}

test('the newest decides, and sees data and states of an older one as its steps make them, one after another', () => {
  const changed = story()
  changed.when({ resource: 'bill/a', action: 'add', input: { cents: 7 } }).commits({ fromVersion: 1, version: 2, contractVersion: 3 })
  expect(changed.resource('bill/a')).toMatchObject({ state: 'open', data: { cents: 507, currency: 'EUR' } })
  changed
    .when({ resource: 'bill/done', action: 'settle' })
    .rejects('STATE_CONFLICT', { message: expect.stringContaining('is in state settled') })
  // What is already of the new version is left alone.
  changed.when({ resource: 'bill/a', action: 'add', input: { cents: 1 } })
  expect(changed.resource('bill/a').data).toEqual({ cents: 508, currency: 'EUR' })
})

test('what a guard reads of another resource is upcast as well', () => {
  const changed = story()
  changed.when({ resource: 'bill/other', action: 'open', input: { cents: 1, currency: 'EUR' } })
  changed.when({ resource: 'bill/a', action: 'add', input: { cents: 7 } }).commits({ version: 2 })
  const old = new Story({ contracts: contractSet([first]) })
  old.when({ resource: 'bill/a', action: 'open', input: { euros: 5 } })
  old.when({ resource: 'bill/other', action: 'open', input: { euros: 5 } })
  old.when({ resource: 'bill/other', action: 'close' })
  Object.assign(old.rules, { contracts: preparedContracts(contractSet([second()])) })
  old.when({ resource: 'bill/a', action: 'add', input: { cents: 7 } }).rejects('GUARD_REFUSED')
})

test('a step that throws, or leads to a state that there is not, makes a dead letter and the partition goes on', () => {
  const throwing = story(
    second({
      1: {
        resource: () => {
          throw new Error('no such currency')
        },
      },
    }),
  )
  throwing
    .when({ resource: 'bill/a', action: 'add', input: { cents: 7 } })
    .rejects('DEAD_LETTERED', { message: expect.stringContaining('upcast from 1 threw: no such currency') })
  const lost = story(second({ 2: { resource: ({ data }) => ({ state: 'gone', data }) } }))
  lost
    .when({ resource: 'bill/a', action: 'add', input: { cents: 7 } })
    .rejects('DEAD_LETTERED', { message: expect.stringContaining("leads to the state 'gone'") })
  lost.when({ resource: 'bill/b', action: 'open', input: { cents: 1, currency: 'EUR' } }).commits({ version: 1 })
})

test('versions stand side by side, each once; the digest of the newest is recorded and knows its steps', () => {
  const both = contractSet([first, second()])
  expect(both.get('bill')?.version).toBe(3)
  expect(both.versions('bill').map(({ version }) => version)).toEqual([3, 1])
  expect(both.all).toHaveLength(1)
  expect(() => contractSet([first, first])).toThrow('another contract of the same type and version')
  const digest = (contract: ReturnType<typeof second>) => contractRecords(contractSet([contract]), rules.sha256)[0]!.digest
  expect(digest(second())).not.toBe(digest(second(null)))
  expect(() => second({ 3: {} })).toThrow('upcast from 3: it leads from version 3 to the next, and this is version 3')
})
