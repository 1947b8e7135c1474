/**
 * Owns a SQLite log and writes to it: as many events as asked as fast as it can, then so many a second until its standard
 * input ends. Standard output: a JSON line a second, and one with what was written at the end.
 *
 *   node writer-process.ts DIRECTORY PARTITIONS EVENTS EVENTS_PER_SECOND
 */
import type { PartitionWriter } from '@signalbox/log'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { Flood } from '../support/event-flood.ts'

const [directory, ...numbers] = process.argv.slice(2)
const [partitionCount, wanted, perSecond] = numbers.map(Number) as [number, number, number]
const batchIntents = 128
const tickMs = 20

let stopped = false
process.stdin.resume().on('end', () => {
  stopped = true
})
const log = await openSqliteLog({ directory: directory!, partitionCount })
const writers = await owned()
const floods = writers.map((_writer, partition) => new Flood(partition, partitionCount))
let events = 0
let saidMs = 0

const say = (what: string) => {
  const committed = floods.reduce((sum, flood) => sum + flood.committed, 0)
  process.stdout.write(`${JSON.stringify({ [what]: true, events, committed })}\n`)
}

while (events < wanted && !stopped) await write(batchIntents)
say('prepared')
const beginMs = performance.now()
const before = events
while (!stopped) {
  const due = before + Math.floor(((performance.now() - beginMs) * perSecond) / 1_000)
  if (events < due) await write(Math.max(1, Math.min(batchIntents, Math.ceil((due - events) / partitionCount))))
  await new Promise((resolve) => setTimeout(resolve, tickMs))
}
say('ended')
await log.close()

async function write(intents: number): Promise<void> {
  await Promise.all(
    floods.map(async (flood, partition) => {
      const batch = flood.next(intents)
      await writers[partition]!.append({ events: batch, deadLetters: [] })
      events += batch.length
    }),
  )
  if (performance.now() - saidMs < 1_000) return
  saidMs = performance.now()
  say('writing')
}

async function owned(): Promise<PartitionWriter[]> {
  const found: Promise<PartitionWriter>[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  await log.join({
    assigned(assignment) {
      found[assignment.partition] = log.open(assignment)
      if (found.filter(Boolean).length === partitionCount) resolve()
    },
    revoked: async () => {},
    lost: reject,
  })
  await promise
  return await Promise.all(found)
}
