/** What becomes of rows when their log is moved: they go on in the log that it was moved to. */
import { ProjectionError } from '@signalbox/projection'
import type { ProjectionWriter, StoredProjection } from '@signalbox/projection-store'
import { areOf } from './feed.ts'
import { noReactions } from './reactions.ts'
import type { HostSettings } from './settings.ts'

/**
 * Lets the rows go on where the feed's log goes on from the one that they are of: true once the store knows. Errors: SUPERSEDED
 * where they have gone on from this log, MISCONFIGURED where they are of another one.
 */
export async function goOnFrom(
  { generations, live, name, reactions }: StoredProjection,
  { feed, logger }: HostSettings,
  writer: ProjectionWriter,
): Promise<boolean> {
  const { positions } = generations.find(({ generation }) => generation === live)!
  const inFront = await feed.partitionsInFrontOf(positions)
  if (inFront === 0) return false
  if (inFront === null) {
    if (positions.length > feed.partitionCount && (await areOf(feed, positions.slice(-feed.partitionCount))))
      throw new ProjectionError(
        'SUPERSEDED',
        `the rows of projection ${name} have gone on with the log that this one was moved to, and its projector keeps them: this process leaves them alone`,
      )
    const counts =
      positions.length === feed.partitionCount ? '' : ` of ${positions.length} partitions, and this one has ${feed.partitionCount}`
    throw new ProjectionError(
      'MISCONFIGURED',
      `the rows of projection ${name} are of another log${counts}; use a store of its own for each log (another --data-dir, or projector.schema on PostgreSQL), or, where this log goes on from that one, set projector.history`,
    )
  }
  // Before that the move may be given up, and the rows would be of a log that never was.
  for (let partition = 0; partition < inFront; partition++) {
    if ((await feed.before(partition)) !== null) continue
    throw new ProjectionError(
      'UNAVAILABLE',
      `projection ${name} goes on once its log is moved: not all is carried over to partition ${feed.nameOf(partition)}`,
    )
  }
  const isReacting = reactions.some((offset) => offset !== noReactions)
  await writer.putInFront({ before: positions.length, partitionCount: inFront, reactFrom: isReacting ? 0 : noReactions })
  logger.info({ projection: name, partitions: feed.partitionCount }, `projection ${name} goes on in the topics that its log was moved to`)
  return true
}
