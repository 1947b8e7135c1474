/** Dead letters that nobody has settled go along; what became of the others is said in the log where it happened. */
import { type DeadLetterTopic, partitionOf } from '@signalbox/contract'
import { type DeadLetter, logTopics, readDeadLetters, readRecord } from '@signalbox/dead-letters'
import type { RecordToAppend } from '@signalbox/log'
import type { Source } from '@signalbox/replay'
import { GenerationError } from './errors.ts'
import type { NewTopics } from './new-log.ts'

/** Where a dead letter was before: TOPIC:PARTITION:OFFSET of the other log. */
export const carriedFromHeader = 'sb_carried_from'

/** What a projector could not take lies in its store; in the new log it begins anew. */
const carriedTopics = ['intents', 'escalation'] as const satisfies readonly DeadLetterTopic[]

/** Those that go along. Errors: GenerationError where one is redriven and has no decision yet; LogError. */
export async function openLetters(source: Source): Promise<readonly DeadLetter[]> {
  const { all } = await readDeadLetters(source, { contracts: null, topics: carriedTopics })
  const underWay = all.filter(({ standing, topic }) => topic === 'intents' && standing.state === 'redriven' && standing.outcome === null)
  if (underWay.length > 0)
    throw new GenerationError(
      `${underWay.length} dead letters are being redriven and have no decision yet (the first is ${underWay[0]!.id}); let the redrive end, or run it again, and then move the log`,
    )
  return all.filter(({ sentAgain, standing }) => isOpen(standing) && sentAgain === null)
}

/** What was redriven into a log that was closed by then is not settled. */
function isOpen(standing: DeadLetter['standing']): boolean {
  return standing.state === 'open' || (standing.state === 'redriven' && standing.outcome?.code === 'GENERATION_CLOSED')
}

/** Gives how many there were. */
export async function carryLetters(
  source: Source,
  letters: readonly DeadLetter[],
  topics: NewTopics,
  toPartitions: number,
): Promise<number> {
  const byPlace = new Map<
    string,
    { readonly topic: (typeof carriedTopics)[number]; readonly partition: number; readonly records: Placed[] }
  >()
  for (const { id, offset, partition, topic } of letters) {
    if (topic === 'projector') continue
    const record = await readRecord(source.log, logTopics[topic], partition, offset)
    // Its retention has passed just now.
    if (record === null) continue
    const key = record.key || `partition-${partition}`
    const to = /^partition-\d+$/.test(key) ? partition % toPartitions : partitionOf(key, toPartitions)
    const place = byPlace.get(`${topic}/${to}`) ?? { topic, partition: to, records: [] }
    byPlace.set(`${topic}/${to}`, place)
    const value = record.value ?? new Uint8Array()
    place.records.push({ key, value, headers: { ...record.headers, [carriedFromHeader]: id }, offset: place.records.length })
  }
  let count = 0
  for (const { partition, records, topic } of byPlace.values()) {
    await topics.appendAt(topic === 'intents' ? 'dead-letters' : 'dead-letters.escalation', partition, records)
    count += records.length
  }
  return count
}

type Placed = RecordToAppend & { readonly offset: number }
