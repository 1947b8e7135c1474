/** A projection for the tests: what is on shelves, how much in all, and a poison that can be cured. */
import { defineProjection, type Projection, type ProjectionDefinition } from '@signalbox/projection'
import { committed, type TestEvent } from '@signalbox/projection/testing'
import { z } from 'zod'

const tables = {
  shelves: z.strictObject({ left: z.int(), moves: z.int(), last: z.string() }),
  totals: z.strictObject({ moves: z.int() }),
}

/** Handlers throw at this note until a test says otherwise. */
export const cure = { isOn: false }

export function shelves(more: Partial<ProjectionDefinition<typeof tables>> = {}): Projection {
  return defineProjection({
    name: 'shelves',
    version: 1,
    tables,
    changes: {
      shelf: (change, { shelves, totals }) => {
        if (change.data.note === 'poison' && !cure.isOn) throw new Error('the note is poison')
        shelves.update(`${change.scope}/${change.id}`, { left: 0, moves: 0, last: '' }, (row) => ({
          left: change.data.left as number,
          moves: row.moves + 1,
          last: change.event,
        }))
        totals.update('all', { moves: 0 }, ({ moves }) => ({ moves: moves + 1 }))
      },
    },
    ...more,
  })
}

export function move(scope: string, id: string, left: number, more: { note?: string; partition?: number } = {}): TestEvent {
  const { note = '', partition = 0 } = more
  return committed({ scope, partition, changes: [{ resource: `shelf/${id}`, state: 'kept', data: { left, note } }] })
}
