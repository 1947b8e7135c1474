/**
 * How much of node:sqlite's group commit the log leaves to its users. Prints one JSON line, with the medians of the rounds.
 *
 *   node packages/log-sqlite/bench/group-commit.ts [--rounds 5] [--seconds 1] [--clients 64]
 *        [--event-bytes 700] [--intent-bytes 300] [--batch-records 1000] [--decide-us 0]
 *
 * The ceiling: clients wait in process, and whatever they asked for is written to two tables, a row for the intent and a
 * row for the event of the same bytes, in one transaction (WAL, synchronous=FULL), with nothing else done. The log: the same clients append
 * the same intents, an owner reads them with a cursor and appends an event about each, and a client goes on when a cursor
 * has delivered its event. The owner reads up to --batch-records intents at a time and spends --decide-us on each.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import type { Cursor, LogRecord, PartitionWriter } from '@signalbox/log'
import { openSqliteLog } from '@signalbox/log-sqlite'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '64' },
    'event-bytes': { type: 'string', default: '700' },
    'intent-bytes': { type: 'string', default: '300' },
    'batch-records': { type: 'string', default: '1000' },
    'decide-us': { type: 'string', default: '0' },
    directory: { type: 'string', default: tmpdir() },
  },
})
const durationMs = Number(values.seconds) * 1_000
const clientCount = Number(values.clients)
const batchRecords = Number(values['batch-records'])
const decideUs = Number(values['decide-us'])
const eventValue = new Uint8Array(Number(values['event-bytes'])).fill(101)
const intentValue = new Uint8Array(Number(values['intent-bytes'])).fill(105)
const headers = { ce_id: '0192f3a0-0000-7000-8000-000000000000', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
/** What a record stores beside its value: the key and the headers. */
const besideBytes = keyOf(0).length + JSON.stringify(headers).length

function keyOf(client: number): string {
  return `hotel-${client}`
}

interface Figures {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

function figures(latenciesMs: number[], elapsedMs: number): Figures {
  const sorted = Float64Array.from(latenciesMs).sort()
  const at = (share: number) => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 1_000) / 1_000
  return { perSecond: Math.round((latenciesMs.length * 1_000) / elapsedMs), p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** Stands for the time that deciding takes on the main thread. */
function decide(count: number): void {
  const endMs = performance.now() + (count * decideUs) / 1_000
  while (performance.now() < endMs);
}

/** Clients that each wait for an answer before they ask again. */
async function runClients(ask: (client: number) => Promise<unknown>): Promise<Figures> {
  const latenciesMs: number[] = []
  const startMs = performance.now()
  const endMs = startMs + durationMs
  const runClient = async (client: number) => {
    for (let askedMs = performance.now(); askedMs < endMs; ) {
      await ask(client)
      const answeredMs = performance.now()
      latenciesMs.push(answeredMs - askedMs)
      askedMs = answeredMs
    }
  }
  await Promise.all(Array.from({ length: clientCount }, (_, client) => runClient(client)))
  return figures(latenciesMs, performance.now() - startMs)
}

async function measureCeiling(directory: string): Promise<Figures> {
  const database = new DatabaseSync(join(directory, 'ceiling.db'))
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE intents (id INTEGER PRIMARY KEY, value BLOB) STRICT')
  database.exec('CREATE TABLE events (id INTEGER PRIMARY KEY, value BLOB) STRICT')
  const intentRow = new Uint8Array(intentValue.byteLength + besideBytes).fill(105)
  const eventRow = new Uint8Array(eventValue.byteLength + besideBytes).fill(101)
  const insertIntent = database.prepare('INSERT INTO intents (value) VALUES (?)')
  const insertEvent = database.prepare('INSERT INTO events (value) VALUES (?)')
  let waiting: (() => void)[] = []
  const commit = () => {
    const answered = waiting
    waiting = []
    database.exec('BEGIN IMMEDIATE')
    for (let index = 0; index < answered.length; index++) {
      insertIntent.run(intentRow)
      insertEvent.run(eventRow)
    }
    database.exec('COMMIT')
    for (const answer of answered) answer()
  }
  const result = await runClients(
    () =>
      new Promise<void>((resolve) => {
        if (waiting.push(resolve) === 1) setImmediate(commit)
      }),
  )
  database.close()
  return result
}

/** Reads the intents and writes one event about each, as a sequencer without any rules would. */
async function sequence(writer: PartitionWriter, cursor: Cursor): Promise<void> {
  for (;;) {
    const intents = await cursor.next({ maxRecords: batchRecords, maxBytes: 1_000_000, waitMs: 10_000 })
    decide(intents.length)
    const events = intents.map(({ key, headers }) => ({ key: key ?? '', value: eventValue, headers }))
    if (events.length > 0) void writer.append({ events, deadLetters: [] })
  }
}

async function answerClients(cursor: Cursor, waiting: Map<string, () => void>): Promise<void> {
  for (;;) {
    const events: readonly LogRecord[] = await cursor.next({ maxRecords: 1_000, maxBytes: 10_000_000, waitMs: 10_000 })
    for (const { key } of events) waiting.get(key ?? '')?.()
  }
}

async function measureLog(directory: string): Promise<Figures> {
  const log = await openSqliteLog({ directory: join(directory, 'log') })
  const waiting = new Map<string, () => void>()
  const writer = await log.open({ partition: 0, generation: 1, signal: new AbortController().signal })
  const intents = await log.cursor({ topic: 'intents', partition: 0, fromOffset: 'end' })
  const events = await log.cursor({ topic: 'events', partition: 0, fromOffset: 'end' })
  const untilClosed = [sequence(writer, intents), answerClients(events, waiting)].map((loop) => loop.catch(() => undefined))
  const result = await runClients((client) => {
    const key = keyOf(client)
    const answered = new Promise<void>((resolve) => waiting.set(key, resolve))
    void log.append(0, { key, value: intentValue, headers })
    return answered
  })
  await log.close()
  await Promise.all(untilClosed)
  return result
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0
}

function medians(rounds: readonly Figures[]): Figures {
  const of = (name: keyof Figures) => median(rounds.map((round) => round[name]))
  return { perSecond: of('perSecond'), p50Ms: of('p50Ms'), p99Ms: of('p99Ms') }
}

/** Turn and turn about, because a disk that others use too is not as fast from one second to the next. */
async function measureRound(): Promise<{ readonly ceiling: Figures; readonly log: Figures }> {
  const directory = mkdtempSync(join(values.directory, 'signalbox-bench-'))
  try {
    return { ceiling: await measureCeiling(directory), log: await measureLog(directory) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const rounds = []
for (let round = 0; round < Number(values.rounds); round++) rounds.push(await measureRound())
console.log(
  JSON.stringify({
    bench: 'log-sqlite group commit',
    rounds: rounds.length,
    seconds: Number(values.seconds),
    clients: clientCount,
    eventBytes: eventValue.byteLength,
    intentBytes: intentValue.byteLength,
    batchRecords,
    decideUs,
    ceiling: medians(rounds.map(({ ceiling }) => ceiling)),
    log: medians(rounds.map(({ log }) => log)),
    ratio: Math.round(median(rounds.map(({ ceiling, log }) => log.perSecond / ceiling.perSecond)) * 100) / 100,
  }),
)
