/** The sentences of what every store refuses in the same way. */
import { ProjectionError } from '@signalbox/projection'

export function fencedError(owned: string): ProjectionError {
  return new ProjectionError('FENCED', `another process has taken projection ${owned} over; give it up`)
}

export function supersededError(projection: string, generation: number): ProjectionError {
  return new ProjectionError(
    'SUPERSEDED',
    `generation ${generation} of projection ${projection} was replaced or dropped; nothing is written to it any more`,
  )
}

export function notCaughtUp(projection: string, generation: number, partition: number, at: number, live: number): ProjectionError {
  return new ProjectionError(
    'NOT_CAUGHT_UP',
    `generation ${generation} of projection ${projection} stands at log offset ${at} of partition ${partition}, and the live one at ${live}; it goes on, and is swapped in once it is there`,
  )
}

export function positionMoved(projection: string, partition: number, from: number, at: number): ProjectionError {
  return new ProjectionError(
    'CORRUPT',
    `a batch of projection ${projection} begins at log offset ${from} of partition ${partition}, and its rows are of ${at}; this is a bug in Signalbox, or somebody wrote to the store by hand: rebuild the projection`,
  )
}

export function partitionsMoved(projection: string, before: number, known: number): ProjectionError {
  return new ProjectionError(
    'CORRUPT',
    `projection ${projection} was to go on from a log of ${before} partitions, and its rows are of ${known}; this is a bug in Signalbox, or somebody wrote to the store by hand: rebuild the projection in a store of its own`,
  )
}

export function missingGeneration(projection: string, generation: number | null): ProjectionError {
  return new ProjectionError(
    'NOT_FOUND',
    generation === null
      ? `there is no projection ${projection} in the store yet; signalbox projection list shows what there is`
      : `projection ${projection} has no generation ${generation}; signalbox projection show ${projection} lists them`,
  )
}

export function missingTable(projection: string, table: string, tables: readonly string[]): ProjectionError {
  return new ProjectionError('NOT_FOUND', `projection ${projection} has no table ${table}; it has ${tables.join(', ')}`)
}
