import { rejects } from 'node:assert/strict'
import type { Event } from '@signalbox/contract'
import type { ProjectionErrorCode } from '@signalbox/projection'
import type { ParkedEvent } from '@signalbox/projection/fold'
import type { Batch, Mutation, NewGeneration, ProjectionStore, ProjectionWriter, StoredGeneration } from '../store.ts'

export const projection = 'shelves'
export const generationOfTwo: NewGeneration = {
  version: 1,
  fingerprint: 'first',
  tables: ['shelf', 'total'],
  partitionCount: 2,
  reactFrom: [7, 8],
}

export async function owner(store: ProjectionStore, version = 1): Promise<ProjectionWriter> {
  const writer = await store.own(projection, version)
  if (writer === null) throw new Error('nobody owns the projection, and it could not be owned')
  return writer
}

/** An owner with a first generation. */
export async function begun(store: ProjectionStore): Promise<{ writer: ProjectionWriter; generation: StoredGeneration }> {
  const writer = await owner(store)
  return { writer, generation: await writer.createGeneration(generationOfTwo) }
}

export function put(key: string, text: string, table = 'shelf'): Mutation {
  return { table, key, text }
}

export function batch(generation: number, fromOffset: number, toOffset: number, more: Partial<Batch> = {}): Batch {
  const position = { logOffset: toOffset, chainOffset: toOffset, link: `link-${toOffset}` }
  return { generation, partition: 0, fromOffset, position, mutations: [], parked: [], ...more }
}

const event: Event = {
  partition: 0,
  offset: 1,
  index: 0,
  time: 1,
  scope: 'scope',
  type: 'RuleApplied',
  payload: {
    rule: 'other',
    message: 'zero \u0000, half \ud800, \u{1f600}',
    cause: null,
    changes: [],
    resource: null,
    code: null,
    details: null,
  },
}

export function parked(key: string, offset: number, more: Partial<ParkedEvent> = {}): ParkedEvent {
  return {
    partition: 0,
    logOffset: offset,
    reference: `0/${offset}/0`,
    key,
    event: { ...event, offset, payload: { ...event.payload, message: `${offset}` } } as Event,
    cause: 'Error: no\u0000',
    stack: 'Error: no\n  at somewhere',
    behind: null,
    ...more,
  }
}

/** All rows of the live generation, table by table. */
export async function liveRows(store: ProjectionStore): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  return await store.snapshot(projection, null, async (snapshot) => {
    const tables: Record<string, Record<string, string>> = {}
    for (const table of snapshot.generation.tables) {
      const rows = await snapshot.rows(table, { limit: 1_000 })
      tables[table] = Object.fromEntries(rows.map(({ key, text }) => [key, text]))
    }
    return tables
  })
}

export async function offsetsOf(store: ProjectionStore, number: number | null = null): Promise<readonly number[]> {
  return await store.snapshot(projection, number, async ({ generation }) => generation.positions.map(({ logOffset }) => logOffset))
}

export async function refused(code: ProjectionErrorCode, work: Promise<unknown>): Promise<void> {
  await rejects(work, { name: 'ProjectionError', code })
}
