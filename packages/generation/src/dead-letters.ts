/** Dead letters that nobody has settled go along; what became of the others is said in the log where it happened. */
import { type DeadLetterTopic, partitionOf } from '@signalbox/contract'
import { type DeadLetter, logTopics, readDeadLetters, readRecord } from '@signalbox/dead-letters'
import type { RecordToAppend } from '@signalbox/log'
import type { Source } from '@signalbox/partition-state'
import { GenerationError } from './errors.ts'
import type { NewTopics } from './new-log.ts'

/** Where a dead letter was before: TOPIC:PARTITION:OFFSET of the other log. */
export const carriedFromHeader = 'sb_carried_from'

/** What a projector could not take lies in its store; in the new log it begins anew. */
const carriedTopics = ['intents', 'escalation', 'reactions', 'ingest'] as const satisfies readonly DeadLetterTopic[]

type CarriedTopic = 'dead-letters' | 'dead-letters.escalation' | 'dead-letters.reactions' | 'dead-letters.ingest'

/** The dead letters of a log that go along, read before it is closed; read again afterwards only where something came meanwhile. */
export class OpenLetters {
  readonly #source: Source
  readonly #verdicts: () => number
  #read: { readonly letters: readonly DeadLetter[]; readonly mark: string } | null = null

  /** `verdicts` counts what people decided, as far as the log was read. */
  constructor(source: Source, verdicts: () => number) {
    this.#source = source
    this.#verdicts = verdicts
  }

  /** Reads every event, where there are dead letters at all. Errors: GenerationError where one is redriven and has no decision yet; LogError. */
  async read(): Promise<readonly DeadLetter[]> {
    const mark = await this.#mark()
    if (this.#read?.mark === mark) return this.#read.letters
    const letters = mark.startsWith('0 ') ? [] : await openLetters(this.#source)
    this.#read = { letters, mark }
    return letters
  }

  /** The same as long as nothing is added to them, and nothing decided of them. Begins with how many offsets their topics have. */
  async #mark(): Promise<string> {
    const { log } = this.#source
    const ends: number[] = []
    for (const topic of carriedTopics)
      for (let partition = 0; partition < log.partitionCount; partition++) ends.push((await log.offsets(logTopics[topic], partition)).end)
    return `${ends.reduce((sum, end) => sum + end, 0)} ${ends.join(',')} ${this.#verdicts()}`
  }
}

async function openLetters(source: Source): Promise<readonly DeadLetter[]> {
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
    await topics.appendAt(logTopics[topic] as CarriedTopic, partition, records)
    count += records.length
  }
  return count
}

type Placed = RecordToAppend & { readonly offset: number }
