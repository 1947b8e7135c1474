/** What somebody says to have seen, held against the log: nobody waits for what can never come. */
import { type Intent, partitionOf, type Read } from '@signalbox/contract'
import { resourceKey } from '@signalbox/core'
import { RequestRefused } from '@signalbox/http'
import type { ReadModel, Source } from '@signalbox/partition-state'

interface View {
  readonly readModel: ReadModel
  readonly source: Source
}

/** How long this gateway may take to read what another one has read. */
const catchUpMs = 5_000

/** Throws RequestRefused for a log offset behind the end of the log. */
export async function checkAtLeast({ readModel, source: { log } }: View, scope: string, atLeast: number): Promise<void> {
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
export async function checkReads({ readModel, source: { log } }: View, scope: string, reads: readonly Read[]): Promise<void> {
  const partition = partitionOf(scope, log.partitionCount)
  const ahead = () => reads.find(({ resource, version }) => version > versionOf(resource))
  const versionOf = (resource: string) => readModel.state(partition).resource(resourceKey(scope, resource))?.version ?? 0
  if (ahead() === undefined) return
  const { end } = await log.offsets('events', partition)
  await reached({ readModel }, partition, end)
  const read = ahead()
  if (read !== undefined)
    throw new RequestRefused(
      'NOT_IN_THIS_LOG',
      `${read.resource} of scope ${JSON.stringify(scope)} is at version ${versionOf(read.resource)} in the log ${log.id}, and version ${read.version} was named as read; observe it, and watch with the version that is seen`,
      { path: 'read' },
    )
}

const placed = /^(\d{1,6}):(\d{1,15})$/

/**
 * Throws RequestRefused for a handoff whose packet is of a log offset behind the end of the log: nobody can compile it again. The core
 * cannot say so, as it decides without log offsets, which are others wherever the same log lies. What was decided already is answered,
 * also where it was in a log before this one.
 */
export async function checkOffers({ readModel, source: { log } }: View, { actions, intentId, scope }: Intent): Promise<void> {
  for (const { action, input, resource } of actions) {
    if (action !== 'offer' || !resource.startsWith('handoff/')) continue
    const position = positionIn(input)
    const match = position === null ? null : placed.exec(position)
    const partition = partitionOf(scope, log.partitionCount)
    // Anything else is refused by the contract of handoffs, in the order of the scope.
    if (match === null || Number(match[1]) !== partition) continue
    if (Number(match[2]) <= readModel.position(partition)) continue
    const { end } = await log.offsets('events', partition)
    if (Number(match[2]) <= end) continue
    await reached({ readModel }, partition, end)
    const state = readModel.state(partition)
    if (state.coordination.pending.get(intentId) !== undefined || state.decision(intentId, '') !== undefined) return
    throw new RequestRefused(
      'NOT_IN_THIS_LOG',
      `the packet of ${resource} is of position ${position}, and partition ${partition} ends at ${end} in the log ${log.id}; compile the packet from this log and give its position`,
      { path: 'actions.input.position' },
    )
  }
}

async function reached({ readModel }: Pick<View, 'readModel'>, partition: number, end: number): Promise<void> {
  if (!(await readModel.reached(partition, end, catchUpMs)))
    throw new RequestRefused('NOT_READY', `partition ${partition} is still being read up to ${end}; ask again in a moment`)
}

function positionIn(input: string): string | null {
  try {
    const { position } = JSON.parse(input) as { readonly position?: unknown }
    return typeof position === 'string' ? position : null
  } catch {
    return null
  }
}
