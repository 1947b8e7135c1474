/** What somebody says to have seen, held against the log: nobody waits for what can never come. */
import { partitionOf, type Read } from '@signalbox/contract'
import { resourceKey } from '@signalbox/core'
import { RequestRefused } from '@signalbox/http'
import type { Desk } from './desk.ts'

/** How long this gateway may take to read what another one has read. */
const catchUpMs = 5_000

/** Throws RequestRefused for a log offset behind the end of the log. */
export async function checkAtLeast({ readModel, source: { log } }: Desk, scope: string, atLeast: number): Promise<void> {
  const partition = partitionOf(scope, log.partitionCount)
  if (readModel.position(partition) >= atLeast) return
  const { end } = await log.offsets('events', partition)
  if (atLeast > end)
    throw new RequestRefused(
      'NOT_IN_THIS_LOG',
      `atLeast is ${atLeast}, and the events of scope ${JSON.stringify(scope)} lie in partition ${partition}, which ends at ${end} in the log ${log.id}; give the offset in the position of a decision or observation of that scope, from this log`,
      { path: 'atLeast' },
    )
}

/** Throws RequestRefused for a version that the resource does not have yet: it cannot have been read in this log. */
export async function checkReads({ readModel, source: { log } }: Desk, scope: string, reads: readonly Read[]): Promise<void> {
  const partition = partitionOf(scope, log.partitionCount)
  const ahead = () => reads.find(({ resource, version }) => version > versionOf(resource))
  const versionOf = (resource: string) => readModel.state(partition).resource(resourceKey(scope, resource))?.version ?? 0
  if (ahead() === undefined) return
  const { end } = await log.offsets('events', partition)
  if (!(await readModel.reached(partition, end, catchUpMs)))
    throw new RequestRefused('NOT_READY', `partition ${partition} is still being read up to ${end}; ask again in a moment`)
  const read = ahead()
  if (read !== undefined)
    throw new RequestRefused(
      'NOT_IN_THIS_LOG',
      `${read.resource} of scope ${JSON.stringify(scope)} is at version ${versionOf(read.resource)} in the log ${log.id}, and version ${read.version} was named as read; observe it, and watch with the version that is seen`,
      { path: 'read' },
    )
}
