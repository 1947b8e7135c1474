/** The main job: real booking agents compete for the same rooms, and no night is ever sold twice. */
import { join, relative, resolve } from 'node:path'
import { environment, openLog, rememberConfig, serviceLogger, signalled } from '@signalbox/cli'
import { connect } from '@signalbox/client'
import { contractSet, partitionOf } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import type { Source } from '@signalbox/partition-state'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import { runAgents } from './agents.ts'
import { type Booking, readBookings, wishes } from './bookings-file.ts'
import { nightContract, stayContract } from './contracts.ts'
import { setupIntents, wishIntent } from './intents.ts'
import { prepareKafka } from './kafka.ts'
import { percentile, reportJson, reportText, type Timing } from './report.ts'
import { digestOf, type RunFile, startOrResume, writeRun } from './run-file.ts'
import { Sequencers } from './sequencers.ts'
import { Counter, type Tally } from './tally.ts'

export interface DemoOptions {
  readonly bookingsFile: string
  readonly dataDirectory: string
  readonly log: 'sqlite' | 'kafka'
  /** Sequencers as processes of their own, on Kafka; 0 has one in this process. */
  readonly sequencers: number
  /** Whether one of them is killed when half of the intents are decided. */
  readonly killHalfway: boolean
  readonly ordered: boolean
  readonly rate: number | null
  readonly fresh: boolean
  readonly json: boolean
}

export const defaultBookingsFile = resolve(import.meta.dirname, '../../data/hotel-bookings.csv.gz')
const configFile = resolve(import.meta.dirname, 'signalbox.config.ts')

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Runs, or goes on with, the demo. Resolves to the exit code: 0 when nothing was oversold and everything decided. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const bookings = readBookings(options.bookingsFile)
  const {
    run,
    resumed,
    say: how,
  } = startOrResume(
    options.dataDirectory,
    { ordered: options.ordered, bookingsDigest: digestOf(options.bookingsFile), log: options.log },
    options.fresh,
  )
  const all = wishes(bookings)
  const stopping = new AbortController()
  void signalled().then(() => stopping.abort())
  say(
    `${bookings.length.toLocaleString('en-US')} bookings, ${all.length.toLocaleString('en-US')} intents by ${new Set(bookings.map(({ agent }) => agent)).size} agents; ${how}`,
  )
  const kafka = options.log === 'kafka' ? await prepareKafka(run.runId, options.sequencers > 0) : null
  let sequencers: Sequencers | null = null
  try {
    if (kafka !== null && options.sequencers > 0)
      sequencers = await Sequencers.start(options.sequencers, kafka.topicPrefix, configFile, say)
    const log = kafka?.log ?? (await openLog({ log: 'sqlite', dataDirectory: options.dataDirectory, config: null }))
    if (kafka === null) rememberConfig(options.dataDirectory, configFile)
    const signalbox = await startSignalbox({
      log,
      contracts: contractSet([nightContract, stayContract]),
      logger: serviceLogger(environment().SIGNALBOX_LOG_LEVEL ?? 'error'),
      sequencer: sequencers === null,
    })
    try {
      const halfway = () => (options.killHalfway ? sequencers?.killOwner(partitionOf(bookings[0]!.hotel, log.partitionCount)) : undefined)
      const timing = await Promise.race([submitAll(signalbox, options, run, bookings, stopping.signal, halfway), signalbox.failed])
      if (stopping.signal.aborted) {
        say('stopped; the same command goes on where it was')
        return 130
      }
      const tally = await count(signalbox.gateway.desk.source)
      writeRun(options.dataDirectory, { ...run, finished: true })
      print(options, tally, timing, resumed, all.length, kafka?.topicPrefix ?? null)
      return tally.oversoldNights === 0 && tally.intents === all.length ? 0 : 1
    } finally {
      await signalbox.stop()
    }
  } finally {
    await sequencers?.stop()
    await kafka?.stop()
  }
}

async function count(source: Source): Promise<Tally> {
  const counter = new Counter()
  for (let partition = 0; partition < source.log.partitionCount; partition++)
    for await (const { event } of readEvents(source, partition)) counter.add(event)
  return counter.tally()
}

async function submitAll(
  signalbox: RunningSignalbox,
  options: DemoOptions,
  run: RunFile,
  bookings: readonly Booking[],
  signal: AbortSignal,
  halfway: () => Promise<void> | undefined,
): Promise<Timing> {
  const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 })
  const { decided } = await count(signalbox.gateway.desk.source)
  const setup = setupIntents(run, bookings).filter(({ intentId }) => !decided.has(intentId))
  const frontOffice = connect({ url, agent: 'front-office' })
  for (const intent of setup) {
    const decision = await frontOffice.submit(intent)
    if (!decision.committed) throw new Error(`the capacity could not be set up: ${decision.code}: ${decision.message}`)
  }
  await frontOffice.close()
  const all = wishes(bookings)
  const waits: number[] = []
  const startedMs = performance.now()
  let killed: Promise<void> | undefined
  const progress = showProgress(all.length, () => waits.length, all.filter((wish) => decided.has(wishIntent(run, wish).intentId)).length)
  try {
    await runAgents({
      url,
      run,
      wishes: all,
      decided,
      ordered: options.ordered,
      rate: options.rate,
      signal,
      decidedIn: (waitedMs) => {
        if (waits.push(waitedMs) === Math.floor(all.length / 2)) killed = halfway()
      },
    })
    await killed
  } finally {
    progress.stop()
  }
  const seconds = (performance.now() - startedMs) / 1_000
  waits.sort((a, b) => a - b)
  return {
    decisionsPerSecond: Math.round(waits.length / Math.max(seconds, 0.001)),
    p50Ms: percentile(waits, 0.5),
    p99Ms: percentile(waits, 0.99),
  }
}

/** A line that renews itself on a terminal, and one every two seconds elsewhere. */
function showProgress(total: number, done: () => number, before: number): { stop(): void } {
  const terminal = process.stderr.isTTY === true
  const startedMs = performance.now()
  const line = () => {
    const now = done()
    const seconds = (performance.now() - startedMs) / 1_000
    return `${(before + now).toLocaleString('en-US')} of ${total.toLocaleString('en-US')} decided (${Math.round(now / Math.max(seconds, 0.001)).toLocaleString('en-US')} a second)`
  }
  const show = () => process.stderr.write(terminal ? `\r\u001b[K${line()}` : `${line()}\n`)
  show()
  const timer = setInterval(show, terminal ? 100 : 2_000)
  return {
    stop() {
      clearInterval(timer)
      show()
      if (terminal) process.stderr.write('\n')
    },
  }
}

function print(options: DemoOptions, tally: Tally, timing: Timing, resumed: boolean, wished: number, topicPrefix: string | null): void {
  const directory = relative(process.cwd(), options.dataDirectory) || '.'
  const where = options.log === 'sqlite' ? ` --log sqlite --data-dir ${directory}` : ''
  const command = (text: string) => `npm run signalbox -- ${text}${where}`
  const config = relative(process.cwd(), configFile)
  // A broker that was started for the run is gone by now.
  const onKafka =
    environment().KAFKA_BROKERS === undefined ? [] : [`KAFKA_TOPIC_PREFIX=${topicPrefix} ${command(`audit --config ${config}`)}`]
  const commands = options.log === 'sqlite' ? tryNext(command, tally) : onKafka
  if (options.json)
    process.stdout.write(
      `${reportJson(tally, timing, { log: options.log, ordered: options.ordered, resumed, undecided: wished - tally.intents })}\n`,
    )
  else process.stdout.write(`${reportText(tally, timing, commands)}\n`)
}

function tryNext(command: (text: string) => string, { turnedAway }: Tally): readonly string[] {
  const list = command('intent list --outcome rejected --limit 5')
  if (turnedAway === null) return [list, command('resource list --limit 5'), command('intent list --limit 5')]
  const { intentId, night, scope } = turnedAway
  return [command(`intent explain ${intentId}`), command(`resource history ${scope} ${night}`), list]
}

export function demoDirectory(): string {
  return resolve(join('.signalbox', 'demo'))
}
