/**
 * `signalbox bench kafka`: decisions a second and latencies of a sequencer, beside a loop of kafkajs that decides next to
 * nothing, on the same brokers, in the same run and in turns; how fast a partition is restored; how long a failover takes.
 */

import { CommandError, say } from '@signalbox/cli'
import { createTopics, kafkaOptionsFromEnvironment } from '@signalbox/log-kafka'
import { defaultBounds } from '@signalbox/sequencer'
import kafkajs from 'kafkajs'
import { type ClientFigures, figuresOf, type Latencies, runClients } from '../clients.ts'
import { Engine } from './engine.ts'
import { measureFailover } from './failover.ts'
import { eventBytes, Load } from './load.ts'
import { plainClient } from './plain-client.ts'
import type { EngineSettings } from './protocol.ts'
import { measureRestore, type RestoreFigures } from './restore.ts'

const partitionCounts = [1, 4]
const clientCounts = [1, 64, 2_048]
const turns = 3
const warmUpShare = 0.5
const sessionTimeoutMs = 20_000
const sendRecords = 512

interface Comparison {
  readonly bench: 'kafka'
  readonly partitions: number
  readonly clients: number
  readonly decisions_per_s: number
  readonly raw_per_s: number
  readonly ratio_to_raw: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly raw_p50_ms: number
  readonly raw_p99_ms: number
  readonly p99_ratio_to_raw: number
}

/** Prints a JSON line for each measurement, and gives the one that sums them up. */
export async function benchKafka(seconds: number, print: (line: object) => void): Promise<object> {
  const { kafka } = kafkaOptionsFromEnvironment(process.env)
  if (kafka === undefined)
    throw new CommandError('usage', 'bench kafka needs brokers; run npm run kafka -- up, and set KAFKA_BROKERS as it says')
  const brokers = [kafka.brokers].flat().join(',')
  const run = `bench-${process.pid}-${Date.now().toString(36)}`
  const common = { brokers, eventBytes: eventBytes(), batchRecords: defaultBounds.batchRecords }
  say('a plain producer')
  const producer = await measureProducer(brokers, `${run}.plain`, seconds)
  print({ bench: 'kafka', plain_producer_per_s: producer })
  const comparisons: Comparison[] = []
  let restored: RestoreFigures | null = null
  for (const partitions of partitionCounts) {
    const pair = await openPair({ ...common, topicPrefix: `${run}.${partitions}`, partitions, sessionTimeoutMs })
    try {
      for (const clients of clientCounts) {
        const comparison = await compare(pair, clients, seconds)
        comparisons.push(comparison)
        print(comparison)
      }
      if (partitions === 1) {
        say('restoring the partition')
        restored = await measureRestore(pair.own.log, brokers, `${run}.${partitions}.own`)
        print({ bench: 'kafka', ...restored })
      }
    } finally {
      await pair.close()
    }
  }
  say('failover')
  const failover = await measureFailover({ ...common, topicPrefix: `${run}.failover`, partitions: 4 })
  print({ bench: 'kafka', ...failover })
  const worst = comparisons.reduce((least, each) => (each.ratio_to_raw < least.ratio_to_raw ? each : least))
  return {
    bench: 'kafka',
    seconds,
    decisions_per_s: worst.decisions_per_s,
    raw_per_s: worst.raw_per_s,
    ratio_to_raw: worst.ratio_to_raw,
    worst_p99_ratio_to_raw: Math.max(...comparisons.map(({ p99_ratio_to_raw }) => p99_ratio_to_raw)),
    restore_ratio_to_raw: restored!.restore_ratio_to_raw,
    plain_producer_per_s: producer,
    ...failover,
  }
}

interface Pair {
  readonly partitions: number
  readonly raw: Load
  readonly own: Load
  close(): Promise<void>
}

async function openPair(settings: Omit<EngineSettings, 'kind'>): Promise<Pair> {
  const { brokers, partitions, topicPrefix } = settings
  say(`${partitions} partition(s): starting the raw loop and a sequencer`)
  const engines: Engine[] = []
  const loads: Load[] = []
  const close = async () => {
    await Promise.all(loads.map((load) => load.close()))
    await Promise.all(engines.map((engine) => engine.stop()))
  }
  try {
    for (const kind of ['raw', 'signalbox'] as const) {
      const prefix = `${topicPrefix}.${kind === 'raw' ? 'raw' : 'own'}`
      await createTopics({ brokers, topicPrefix: prefix, partitions })
      const engine = new Engine({ ...settings, kind, topicPrefix: prefix })
      engines.push(engine)
      await engine.until('to own every partition', ({ active }) => active.length === partitions)
      loads.push(await Load.open(brokers, prefix))
      await loads.at(-1)!.openCounters()
    }
    return { partitions, raw: loads[0]!, own: loads[1]!, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function compare({ own, partitions, raw }: Pair, clients: number, seconds: number): Promise<Comparison> {
  say(`${partitions} partition(s), ${clients} client(s): in turns`)
  const measure = (load: Load, durationMs: number) => runClients(clients, durationMs, (client) => load.add(client))
  const runs: { readonly raw: Latencies[]; readonly own: Latencies[] } = { raw: [], own: [] }
  for (const load of [raw, own]) await measure(load, warmUpShare * seconds * 1_000)
  for (let turn = 0; turn < turns; turn++) {
    runs.raw.push(await measure(raw, (seconds * 1_000) / turns))
    runs.own.push(await measure(own, (seconds * 1_000) / turns))
  }
  return comparisonOf(partitions, clients, figuresOf(runs.own), figuresOf(runs.raw))
}

function comparisonOf(partitions: number, clients: number, own: ClientFigures, raw: ClientFigures): Comparison {
  const ratio = (value: number, of: number) => Math.round((value / of) * 1_000) / 1_000
  return {
    bench: 'kafka',
    partitions,
    clients,
    decisions_per_s: own.perSecond,
    raw_per_s: raw.perSecond,
    ratio_to_raw: ratio(own.perSecond, raw.perSecond),
    p50_ms: own.p50Ms,
    p99_ms: own.p99Ms,
    raw_p50_ms: raw.p50Ms,
    raw_p99_ms: raw.p99Ms,
    p99_ratio_to_raw: ratio(own.p99Ms, raw.p99Ms),
  }
}

/** Intents a second of a producer of kafkajs that only sends. */
async function measureProducer(brokers: string, topicPrefix: string, seconds: number): Promise<number> {
  await createTopics({ brokers, topicPrefix, partitions: 1 })
  const client = plainClient(brokers, 'plain-producer')
  const producer = client.kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  const load = await Load.open(brokers, topicPrefix)
  await producer.connect()
  try {
    const messages = Array.from({ length: sendRecords }, (_, client) => ({
      key: 'scope',
      value: Buffer.from(load.value(client)),
      partition: 0,
    }))
    const endMs = performance.now() + seconds * 1_000
    const startedMs = performance.now()
    let count = 0
    while (performance.now() < endMs) {
      await producer.send({ topic: `${topicPrefix}.intents`, acks: -1, messages })
      count += messages.length
    }
    return Math.round((count * 1_000) / (performance.now() - startedMs))
  } finally {
    await producer.disconnect()
    client.close()
    await load.close()
  }
}
