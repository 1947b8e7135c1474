import { changesOf, defineProjection, type ProjectionDefinition } from '@signalbox/projection'
import { committed, given, rejected, ruleApplied, shadowed } from '@signalbox/projection/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const tables = { orders: z.strictObject({ state: z.string(), cents: z.int(), by: z.string() }), codes: z.strictObject({ count: z.int() }) }

const orders = defineProjection({
  name: 'orders',
  version: 1,
  tables,
  on: {
    IntentRejected: ({ payload }, { codes }) => codes.update(payload.code, { count: 0 }, ({ count }) => ({ count: count + 1 })),
  },
  changes: {
    order: ({ agent, data, rule, scope, id, state }, { orders }) => {
      if (state === 'gone') orders.delete(`${scope}/${id}`)
      else orders.put(`${scope}/${id}`, { state, cents: data.cents as number, by: agent ?? `rule ${rule}` })
    },
  },
})

const opened = committed({ agent: 'clerk', changes: [{ resource: 'order/1', state: 'open', data: { cents: 5 } }] })

describe('a projection', () => {
  it('folds commits, rules and rejects by type', async () => {
    await given(orders, [
      opened,
      committed({ changes: [{ resource: 'other/1', state: 'open' }] }),
      rejected({ code: 'STALE_READ' }),
      rejected({ code: 'STALE_READ' }),
      ruleApplied({ rule: 'timer', changes: [{ resource: 'order/1', state: 'late', version: 2, data: { cents: 5 } }] }),
    ]).shows({ orders: { 'scope-1/1': { state: 'late', cents: 5, by: 'rule timer' } }, codes: { STALE_READ: { count: 2 } } })
  })

  it('understands what an older version of a contract wrote, and parks what its upcast cannot take', async () => {
    const upcast = {
      1: {
        resource: ({ data, state }: { data: Readonly<Record<string, unknown>>; state: string }) => {
          if (data.euros === undefined) throw new Error('no euros')
          return { state: state === 'new' ? 'open' : state, data: { cents: 100 * Number(data.euros) } }
        },
      },
    }
    const understanding = defineProjection({
      name: 'orders',
      version: 2,
      tables,
      contracts: [{ type: 'order', version: 2, upcast: upcast as never }],
      changes: { order: ({ data, id, state }, { orders }) => orders.put(id, { state, cents: data.cents as number, by: 'x' }) },
    })
    const change = { resource: 'order/1', state: 'new', data: { euros: 3 }, contractVersion: 1 }
    const now = { resource: 'order/2', state: 'open', data: { cents: 7 }, contractVersion: 2 }
    await given(understanding, [committed({ changes: [change] }), committed({ changes: [now] })]).shows({
      orders: { '1': { state: 'open', cents: 300, by: 'x' }, '2': { state: 'open', cents: 7, by: 'x' } },
    })
    await given(understanding, [committed({ changes: [{ ...change, data: { pounds: 3 } }] })]).parks([
      { key: 'scope-1', cause: 'Error: no euros' },
    ])
  })

  it('deletes, and never takes shadow for real', async () => {
    await given(orders, [opened, committed({ changes: [{ resource: 'order/1', state: 'gone', version: 2 }] })]).shows({})
    await given(orders, [shadowed({ changes: [{ resource: 'order/1', state: 'open', data: { cents: 5 } }] })]).shows({})
    expect(changesOf(shadowed({ changes: [{ resource: 'order/1', state: 'open' }] })(0))).toEqual([])
  })

  it('parks what does not fit the schema, with the row and the field named, and its scope behind it', async () => {
    await given(orders, [
      committed({ changes: [{ resource: 'order/1', state: 'open', data: { cents: 'five' } }] }),
      opened,
      committed({ scope: 'other', changes: [{ resource: 'order/1', state: 'open', data: { cents: 5 } }] }),
    ]).parks([
      { key: 'scope-1', cause: 'TypeError: row "scope-1/1" of table orders does not fit its schema: cents: ' },
      { key: 'scope-1', cause: 'held back behind 0/0/0' },
    ])
  })

  it('parks by the key that it names, so that others of the scope go on', async () => {
    const byOrder = defineProjection({
      name: 'by-order',
      version: 1,
      tables: { rows: z.strictObject({}) },
      key: (event) => (event.type === 'IntentCommitted' ? event.payload.changes[0]!.resource : event.scope),
      changes: {
        '*': ({ data, id }, { rows }) => {
          if (data.note === 'poison') throw new Error('poison')
          rows.put(id, {})
        },
      },
    })
    const change = (id: string, note = '') => committed({ changes: [{ resource: `order/${id}`, state: 's', data: { note } }] })
    await given(byOrder, [change('1', 'poison'), change('2'), change('1')]).parks([
      { key: 'order/1', cause: 'Error: poison' },
      { key: 'order/1', cause: 'held back behind 0/0/0' },
    ])
  })

  it('an event that is half folded leaves nothing behind', async () => {
    const half = defineProjection({
      name: 'half',
      version: 1,
      tables: { rows: z.strictObject({}) },
      changes: {
        '*': ({ id }, { rows }) => {
          rows.put(id, {})
          if (id === 'bad') throw new Error('too late')
        },
      },
    })
    const change = (id: string) => ({ resource: `thing/${id}`, state: 'there' })
    const events = [committed({ changes: [change('good'), change('bad')] }), committed({ scope: 'other', changes: [change('fine')] })]
    await expect(given(half, events).shows({ rows: { fine: {} } })).rejects.toThrow('an event could not be folded')
    await given(half, events).parks([{ key: 'scope-1', cause: 'Error: too late' }])
  })

  it('a row that is changed in place is refused where it happens', async () => {
    const careless = defineProjection({
      name: 'careless',
      version: 1,
      tables: { rows: z.strictObject({ list: z.array(z.int()) }) },
      changes: {
        '*': ({ scope }, { rows }) => {
          rows.update(scope, { list: [] }, (row) => {
            row.list.push(1)
            return row
          })
        },
      },
    })
    const change = committed({ changes: [{ resource: 'a/1', state: 's' }] })
    await given(careless, [change, change]).parks([{ key: 'scope-1', cause: 'TypeError: Cannot add property' }])
  })

  it('rows that depend on the order between partitions are found out', async () => {
    const last = defineProjection({
      name: 'last',
      version: 1,
      tables: { rows: z.strictObject({ scope: z.string() }) },
      changes: { '*': ({ scope }, { rows }) => rows.put('last', { scope }) },
    })
    const change = (partition: number) => committed({ partition, scope: `s${partition}`, changes: [{ resource: 'a/1', state: 's' }] })
    await expect(given(last, [change(0), change(1)]).shows({ rows: { last: { scope: 's1' } } })).rejects.toThrow(
      'the order between partitions',
    )
  })
})

describe('a definition that cannot be is refused:', () => {
  const good: ProjectionDefinition<typeof tables> = { name: 'good', version: 1, tables, on: { PartitionOpened: () => {} } }
  it.each<[string, object, RegExp]>([
    ['a name with a capital', { name: 'Good' }, /a name is 1 to 24/],
    ['a name that is too long', { name: 'x'.repeat(25) }, /a name is 1 to 24/],
    ['no version', { version: 0 }, /version must be a whole number/],
    ['no table', { tables: {} }, /it has no table/],
    ['a table with a space', { tables: { 'a b': z.strictObject({}) } }, /table "a b"/],
    ['an event that is none', { on: { IntentComitted: () => {} } }, /there is no event IntentComitted/],
    ['a type with a slash', { changes: { 'a/b': () => {} } }, /changes of "a\/b"/],
    ['nothing to fold', { on: {} }, /it folds nothing/],
    ['no room to park', { maxParked: 0 }, /maxParked must be/],
  ])('%s', (_what, wrong, message) => {
    expect(() => defineProjection({ ...good, ...wrong } as never)).toThrow(message)
  })

  it('and one that can is not', () => {
    expect(defineProjection(good).name).toBe('good')
  })
})
