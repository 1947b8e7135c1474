/** Over how many partitions the scopes of a log were dealt: fewer than its topics have, where somebody raised the count of all of them. */
import { partitionOf } from '@signalbox/contract'
import { LogError, type LogReader } from '@signalbox/log'

const readBounds = { maxRecords: 200, maxBytes: 256 * 1024, waitMs: 2_000 }

/**
 * Every partition that was ever owned has events; those that somebody added have none. Where the last partitions have none, the scopes
 * of the first events tell whether they were dealt over all. Errors: MISCONFIGURED where no count fits, and those of reading.
 */
export async function partitionsOfLog(log: LogReader): Promise<number> {
  const { partitionCount } = log
  const all = Array.from({ length: partitionCount }, (_, partition) => partition)
  const offsets = await Promise.all(all.map((partition) => log.offsets('events', partition)))
  const used = offsets.findLastIndex(({ end }) => end > 0) + 1
  if (used === 0 || used === partitionCount) return partitionCount
  const placed: { readonly scope: string; readonly partition: number }[] = []
  for (const partition of all.slice(0, used))
    if (offsets[partition]!.end > offsets[partition]!.start)
      for (const scope of await firstScopes(log, partition, offsets[partition]!.start)) placed.push({ scope, partition })
  const fits = (count: number) => placed.every(({ partition, scope }) => partitionOf(scope, count) === partition)
  if (fits(partitionCount)) return partitionCount
  if (fits(used)) return used
  throw new LogError(
    'MISCONFIGURED',
    `the topics have ${partitionCount} partitions, and the scopes in the log ${log.id} were dealt over other counts: somebody raised it more than once, and some was decided in between. Restore the log from a backup into new topics: signalbox restore. See docs/operating.md, Partitions that somebody added`,
  )
}

/** Scopes of commits, which lie where their scope belongs; a reject may be of an intent on a wrong partition. */
async function firstScopes(log: LogReader, partition: number, fromOffset: number): Promise<readonly string[]> {
  const cursor = await log.cursor({ topic: 'events', partition, fromOffset })
  try {
    const records = await cursor.next(readBounds)
    return records.flatMap(({ headers, key }) => (headers.ce_type === 'signalbox.IntentCommitted' && key !== null ? [key] : []))
  } finally {
    await cursor.close()
  }
}
