/**
 * The ceiling of an embedded log: the same bytes through node:sqlite (WAL, synchronous=FULL) with group commit and a rule
 * that is as good as none, for clients that wait in the same process.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createCodec } from '@signalbox/codec'
import { defaultLimits, formatEventReference } from '@signalbox/contract'
import { decide, evolve, PartitionState } from '@signalbox/core'
import { CounterLoad, rules } from '../support/workload.ts'
import { type Latencies, runClients } from './clients.ts'

/** What an intent and its event take in the log: values, keys and headers. */
interface RowBytes {
  readonly intent: number
  readonly event: number
}

function rowBytes(): RowBytes {
  const codec = createCodec({ limits: defaultLimits })
  const load = new CounterLoad(1)
  const state = new PartitionState(0, defaultLimits)
  for (const event of decide(state, { ...load.next(), problem: null }, rules)) evolve(state, event)
  const record = { ...load.next(), problem: null }
  const event = decide(state, record, rules)[0]!
  const headers = { ce_id: formatEventReference(event), ce_type: `signalbox.${event.type}`, ce_source: 'signalbox/0', sb_epoch: '0' }
  const key = record.intent.scope.length
  return {
    intent: codec.encodeIntent(record.intent).length + key,
    event: codec.encodeEvent(event).length + key + JSON.stringify(headers).length,
  }
}

export class Ceiling {
  readonly #database: DatabaseSync
  readonly #commit: () => void
  #waiting: (() => void)[] = []

  constructor(directory: string) {
    this.#database = new DatabaseSync(join(directory, 'ceiling.db'))
    this.#database.exec('PRAGMA journal_mode = WAL')
    this.#database.exec('PRAGMA synchronous = FULL')
    this.#database.exec('CREATE TABLE intents (id INTEGER PRIMARY KEY, value BLOB) STRICT')
    this.#database.exec('CREATE TABLE events (id INTEGER PRIMARY KEY, value BLOB) STRICT')
    const { event, intent } = rowBytes()
    const intentRow = new Uint8Array(intent).fill(105)
    const eventRow = new Uint8Array(event).fill(101)
    const insertIntent = this.#database.prepare('INSERT INTO intents (value) VALUES (?)')
    const insertEvent = this.#database.prepare('INSERT INTO events (value) VALUES (?)')
    this.#commit = () => {
      const answered = this.#waiting
      this.#waiting = []
      this.#database.exec('BEGIN IMMEDIATE')
      for (let index = 0; index < answered.length; index++) {
        insertIntent.run(intentRow)
        insertEvent.run(eventRow)
      }
      this.#database.exec('COMMIT')
      for (const answer of answered) answer()
    }
  }

  async run(clients: number, durationMs: number): Promise<Latencies> {
    return await runClients(clients, durationMs, async () => {
      await new Promise<void>((resolve) => {
        if (this.#waiting.push(resolve) === 1) setImmediate(this.#commit)
      })
    })
  }

  close(): void {
    this.#database.close()
  }
}
