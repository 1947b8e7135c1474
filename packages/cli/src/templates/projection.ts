/** The files that `signalbox projection new` writes. */

export function projectionTemplate(name: string, type: string | null): string {
  const what = type === null ? 'resource' : type
  return `/** How many of each ${what} there are by state, and how often each scope changed them. */
import { defineProjection, rowKey } from '@signalbox/projection'
import { z } from 'zod'

export const projection = defineProjection({
  name: '${name}',
  // Raise it with every change of what is folded: the rows are then built anew, beside those of before.
  version: 1,
  tables: {
    // SCOPE/TYPE
    scopes: z.strictObject({
      scope: z.string(),
      type: z.string(),
      changes: z.int(),
      byState: z.record(z.string(), z.int()),
      lastMs: z.int(),
    }),
  },
  changes: {
    // Pure: it knows the change and the tables, nothing else. ${type === null ? "'*' is every type; name one to fold that alone." : "Further types get handlers of their own, '*' is the rest."}
    ${type === null ? "'*'" : JSON.stringify(type).replaceAll('"', "'")}: ({ fromState, scope, state, timeMs, type }, { scopes }) => {
      const none = { scope, type, changes: 0, byState: {} as Record<string, number>, lastMs: 0 }
      scopes.update(rowKey(scope, type), none, (row) => {
        const byState = { ...row.byState, [state]: (row.byState[state] ?? 0) + 1 }
        if (fromState !== null) byState[fromState] = (byState[fromState] ?? 0) - 1
        return { ...row, changes: row.changes + 1, byState, lastMs: Math.max(row.lastMs, timeMs) }
      })
    },
  },
})
`
}

export function testTemplate(name: string, type: string | null): string {
  const of = type ?? 'order'
  return `import { committed, given, ruleApplied, shadowed } from '@signalbox/projection/testing'
import { describe, it } from 'vitest'
import { projection } from './${name}.ts'

const opened = committed({ scope: 'shop-1', timeMs: 1_000, changes: [{ resource: '${of}/1', state: 'open' }] })
const alsoOpened = committed({ scope: 'shop-1', timeMs: 2_000, changes: [{ resource: '${of}/2', state: 'open' }] })
const closed = committed({ scope: 'shop-1', timeMs: 3_000, changes: [{ resource: '${of}/1', fromState: 'open', state: 'closed', version: 2 }] })

describe('${name}', () => {
  it('counts by state', async () => {
    await given(projection, [opened, alsoOpened, closed]).shows({
      scopes: { 'shop-1/${of}': { scope: 'shop-1', type: '${of}', changes: 3, byState: { open: 1, closed: 1 }, lastMs: 3_000 } },
    })
  })

  it('counts what rules change as what agents do, and each scope apart', async () => {
    const expired = ruleApplied({
      scope: 'shop-2',
      timeMs: 4_000,
      rule: 'timer',
      changes: [{ resource: '${of}/1', state: 'expired' }],
    })
    await given(projection, [opened, expired]).shows({
      scopes: {
        'shop-1/${of}': { scope: 'shop-1', type: '${of}', changes: 1, byState: { open: 1 }, lastMs: 1_000 },
        'shop-2/${of}': { scope: 'shop-2', type: '${of}', changes: 1, byState: { expired: 1 }, lastMs: 4_000 },
      },
    })
  })

  it('takes no shadow for real', async () => {
    await given(projection, [shadowed({ changes: [{ resource: '${of}/1', state: 'open' }] })]).shows({})
  })
})
`
}
