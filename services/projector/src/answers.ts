/** What the projector answers, as schemas. */
import { formatEventReference } from '@signalbox/contract'
import type { Projection } from '@signalbox/projection'
import type { HostStatus } from '@signalbox/projection-host'
import { lagOf, type StoredGeneration, type StoredParkedEvent, type StoredProjection } from '@signalbox/projection-store'
import { z } from 'zod'

const jsonObject = z.record(z.string(), z.json())

export const progressJson = z
  .object({
    offsets: z
      .array(z.int())
      .describe('By partition, those of logs that this one goes on from behind its own: the log offset behind the last event folded'),
    ends: z.array(z.int()).describe('By partition: where the log ends'),
    behind: z.int(),
    percent: z.number(),
    eventsPerSecond: z.int(),
    remainingMs: z.int().nullable(),
  })
  .meta({ id: 'Progress' })

export const generationJson = z
  .object({
    generation: z.int(),
    version: z.int(),
    state: z.enum(['building', 'live', 'retired']),
    tables: z.array(z.string()),
    createdMs: z.int(),
    offsets: z.array(z.int()),
    parked: z.int(),
  })
  .meta({ id: 'Generation' })

export const projectionJson = z
  .object({
    name: z.string(),
    description: z.string().nullable(),
    version: z.int().describe('Of the definition that this process has'),
    phase: z.string().describe('Of this process: active, standby, halted, superseded'),
    reason: z.string().nullable(),
    tables: z.array(z.string()),
    live: z.int().nullable().describe('The generation whose rows are served'),
    generations: z.array(generationJson),
    lag: z
      .array(z.int())
      .describe('By partition, those of logs that this one goes on from behind its own: log offsets between the live rows and the end'),
    parked: z.int(),
    building: progressJson.nullable().describe('Of the generation that is built beside the live one'),
  })
  .meta({ id: 'Projection' })
export type ProjectionJson = z.output<typeof projectionJson>

export const rowJson = z.object({ key: z.string(), row: jsonObject }).meta({ id: 'Row' })
export const rowsJson = z.object({
  generation: z.int(),
  offsets: z.array(z.int()).describe('By partition: every event before this log offset is in the rows, or parked'),
  rows: z.array(rowJson),
  next: z.string().nullable().describe('Give it as after for the next page; null where there is none'),
})

export const parkedJson = z
  .object({
    sequence: z.int(),
    key: z.string().describe('Events of one key are held back together'),
    event: z.string().describe('partition/offset/index'),
    type: z.string(),
    partition: z.int(),
    logOffset: z.int(),
    cause: z.string(),
    stack: z.string().nullable(),
    behind: z.string().nullable(),
    parkedMs: z.int(),
  })
  .meta({ id: 'ParkedEvent' })

export const requestJson = z
  .object({
    id: z.int(),
    projection: z.string(),
    kind: z.enum(['rebuild', 'retry']),
    argument: z.string().nullable(),
    state: z.enum(['asked', 'running', 'done', 'failed']),
    message: z.string().nullable(),
  })
  .meta({ id: 'ProjectionRequest' })

function presentGeneration(each: StoredGeneration): z.output<typeof generationJson> {
  const { createdMs, generation, parkedCount, positions, state, tables, version } = each
  return {
    generation,
    version,
    state,
    tables: [...tables],
    createdMs,
    offsets: positions.map(({ logOffset }) => logOffset),
    parked: parkedCount,
  }
}

export function presentProjection(
  projection: Projection,
  status: HostStatus,
  stored: StoredProjection | null,
  ends: readonly number[],
): ProjectionJson {
  const generations = stored?.generations ?? []
  const live = generations.find(({ generation }) => generation === stored?.live)
  return {
    name: projection.name,
    description: projection.description ?? null,
    version: projection.version,
    phase: status.phase,
    reason: status.reason,
    tables: [...(live?.tables ?? Object.keys(projection.tables))],
    live: stored?.live ?? null,
    generations: generations.map(presentGeneration),
    lag: lagOf(live, ends),
    parked: live?.parkedCount ?? 0,
    building:
      status.building === null ? null : { ...status.building, offsets: [...status.building.offsets], ends: [...status.building.ends] },
  }
}

export function presentRow({ key, text }: { readonly key: string; readonly text: string }): z.output<typeof rowJson> {
  return { key, row: JSON.parse(text) as z.output<typeof rowJson>['row'] }
}

export function presentParked({ event, ...parked }: StoredParkedEvent): z.output<typeof parkedJson> {
  const { behind, cause, key, logOffset, parkedMs, partition, sequence, stack } = parked
  return { sequence, key, event: formatEventReference(event), type: event.type, partition, logOffset, cause, stack, behind, parkedMs }
}
