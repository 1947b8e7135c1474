/**
 * Sends poison of every kind with good records between it, mends the contract that threw, and redrives through the command, which is
 * killed again and again.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Status } from '@signalbox/contract'
import type { Log, LogReader } from '@signalbox/log'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { Random } from '../support/random.ts'
import { checkNothingLost, checkRedriven, type Placed } from './check.ts'
import { poisonedRecords, type Sent } from './poison.ts'
import { type Place, start, startUp, type Up } from './processes.ts'

export interface ProofOptions {
  /** How many become dead letters. */
  readonly records: number
  readonly scopes: number
  /** How often the redrive is killed. */
  readonly kills: number
  readonly seed: number
  /** Null: the embedded log. */
  readonly brokers: string | null
  readonly plant?: 'random-id' | 'no-order'
  readonly say: (text: string) => void
}

const partitionCount = 4
const decideWithinMs = 300_000
const appendsAtOnce = 64
const here = import.meta.dirname
const firstConfig = join(here, 'first.config.ts')
const secondConfig = join(here, 'second.config.ts')
const plantedRedrive = join(here, 'planted-redrive.ts')

export interface Proof {
  readonly isProven: boolean
  readonly directory: string
  readonly sent: number
  readonly poison: number
  readonly deadLetters: number
  /** Of the dead letters: those that were an intent. */
  readonly redrivable: number
  readonly decisionsOfRedriven: number
  readonly committed: number
  readonly kills: number
  /** Letters that a later run found begun. */
  readonly resumed: number
  readonly discarded: number
  readonly left: number
  readonly duplicates: number
  readonly redriveSeconds: number
  readonly findings: readonly string[]
}

export async function proveDeadLetters(options: ProofOptions): Promise<Proof> {
  const { brokers, kills, say, seed } = options
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-dead-letters-'))
  const topicPrefix = `dead-letters-${process.pid}-${Date.now()}`
  const place: Place = { directory, kafka: brokers === null ? null : { brokers, topicPrefix } }
  if (brokers !== null) await createTopics({ brokers, topicPrefix, partitions: partitionCount })
  const random = new Random(`${seed}`)
  const draw = () => random.fraction()
  const sent = await send(place, [...poisonedRecords({ ...options, partitionCount, random: draw })], say)
  const poison = sent.filter(({ kind }) => kind !== 'good' && kind !== 'start').length
  const before = await startUp(place, firstConfig)
  try {
    await allDecided(before, sent.length, say)
  } finally {
    await before.stop()
  }
  const lost = await looking(place, (log) => checkNothingLost(log, sent))
  say(`${sent.length} records sent, ${poison} of them poison: ${lost.letters.size} dead letters, ${lost.findings.length} findings`)
  const mended = await startUp(place, secondConfig)
  try {
    const beganMs = performance.now()
    const killed = await redriveUnderKills(place, mended, { ...options, draw })
    const redriveSeconds = Math.round((performance.now() - beganMs) / 100) / 10
    say(`redriven in ${redriveSeconds} s, killed ${killed.kills} times, ${killed.resumed} letters resumed`)
    const redriven = await looking(place, (log) => checkRedriven(log, sent, lost.letters))
    const rest = options.plant === undefined ? await discardRest(place, mended) : { discarded: 0, left: 0 }
    const findings = [...lost.findings, ...redriven.findings, ...(rest.left > 0 ? [`${rest.left} dead letters are open in the end`] : [])]
    return {
      isProven: findings.length === 0 && killed.kills >= kills && redriven.decisions === redriven.redrivable,
      directory,
      sent: sent.length,
      poison,
      deadLetters: lost.letters.size,
      redrivable: redriven.redrivable,
      decisionsOfRedriven: redriven.decisions,
      committed: redriven.committed,
      kills: killed.kills,
      resumed: killed.resumed,
      ...rest,
      duplicates: redriven.duplicates,
      redriveSeconds,
      findings: findings.slice(0, 20),
    }
  } finally {
    await mended.stop()
  }
}

async function openToWrite({ directory, kafka }: Place): Promise<Log> {
  return kafka === null ? await openSqliteLog({ directory: join(directory, 'data'), partitionCount }) : await openKafkaLog(kafka)
}

async function looking<Result>({ directory, kafka }: Place, look: (log: LogReader) => Promise<Result>): Promise<Result> {
  const log = kafka === null ? await openSqliteLogReader({ directory: join(directory, 'data') }) : await openKafkaLog(kafka)
  try {
    return await look(log)
  } finally {
    await log.close()
  }
}

/** Before anybody decides: bytes that no gateway takes. */
async function send(place: Place, records: readonly Sent[], say: (text: string) => void): Promise<readonly Placed[]> {
  const log = await openToWrite(place)
  const placed: Placed[] = []
  try {
    const byPartition = [...Map.groupBy(records, ({ partition }) => partition).values()]
    await Promise.all(
      byPartition.map(async (queue) => {
        for (let from = 0; from < queue.length; from += appendsAtOnce) {
          const some = queue.slice(from, from + appendsAtOnce)
          const positions = await Promise.all(some.map(({ partition, record }) => log.append(partition, record)))
          for (const [index, { offset }] of positions.entries()) placed.push({ ...some[index]!, offset })
        }
      }),
    )
  } finally {
    await log.close()
  }
  say(`${placed.length} records sent`)
  return placed
}

async function allDecided({ url }: Up, records: number, say: (text: string) => void): Promise<void> {
  const beganMs = performance.now()
  for (let saidMs = beganMs; ; ) {
    const { partitions } = (await (await fetch(`${url}/v1/status`)).json()) as Status
    const lag = partitions.reduce((sum, each) => sum + each.lag, 0)
    if (lag === 0 && partitions.every(({ phase }) => phase === 'active')) break
    const nowMs = performance.now()
    if (nowMs - beganMs > decideWithinMs) throw new Error(`${lag} of ${records} records have no decision after ${decideWithinMs} ms`)
    if (nowMs - saidMs > 1_000) {
      saidMs = nowMs
      say(`${lag} of ${records} records have no decision yet`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  say(`all decided after ${Math.round(performance.now() - beganMs)} ms`)
}

interface UnderKills extends Pick<ProofOptions, 'kills' | 'plant' | 'records' | 'say'> {
  readonly draw: () => number
}

/** Each run but the last is killed when it has redriven some. */
async function redriveUnderKills(
  place: Place,
  { url }: Up,
  { draw, kills, plant, records, say }: UnderKills,
): Promise<{ readonly kills: number; readonly resumed: number }> {
  const command = ['dead-letter', 'redrive', '--code', 'DEAD_LETTERED', '--topic', 'intents', '--yes', '--reason', 'the scale is mended']
  const flags = ['--by', 'human:ann', '--rate', '10000', '--config', secondConfig, '--url', url, '--output', 'jsonl']
  let killed = 0
  let resumed = 0
  const run = () => (plant === undefined ? start(place, [...command, ...flags]) : start(place, [plant, url], plantedRedrive))
  while (killed < kills) {
    const before = await nextIntents(url)
    const running = run()
    // Two intents a letter, a mark and what it becomes, and about half of the letters are intents.
    const wanted = before + 5 + Math.floor((0.2 + 0.7 * draw()) * (records / (kills + 1)))
    while (running.child.exitCode === null && (await nextIntents(url)) < wanted) await new Promise((resolve) => setTimeout(resolve, 1))
    if (running.child.exitCode !== null) {
      say('a run came to its end before it was killed')
      break
    }
    running.child.kill('SIGKILL')
    await running.ended
    killed++
  }
  const { code, stderr, stdout } = await run().ended
  // What cannot be decoded is not redriven: that is said by the exit code.
  if (plant === undefined && code !== 5 && code !== 0) throw new Error(`the last redrive ended with ${code}: ${stderr}`)
  for (const line of plant === undefined ? stdout.trim().split('\n') : []) if ((JSON.parse(line) as { resumed: boolean }).resumed) resumed++
  say(stderr.trim().split('\n').at(-1) ?? '')
  return { kills: killed, resumed }
}

async function nextIntents(url: string): Promise<number> {
  const { partitions } = (await (await fetch(`${url}/v1/status`)).json()) as Status
  return partitions.reduce((sum, { nextIntent }) => sum + nextIntent, 0)
}

async function discardRest(place: Place, { url }: Up): Promise<{ readonly discarded: number; readonly left: number }> {
  const common = ['--config', secondConfig, '--url', url, '--output', 'jsonl']
  const discard = ['dead-letter', 'discard', '--all', '--yes', '--reason', 'no intent was ever in it', '--by', 'human:ann', ...common]
  const { code, stderr, stdout } = await start(place, discard).ended
  if (code !== 0) throw new Error(`discard ended with ${code}: ${stderr}`)
  const discarded = stdout.trim().split('\n').length
  const open = await start(place, ['dead-letter', 'list', '--ungrouped', ...common]).ended
  return { discarded, left: open.stdout.trim() === '' ? 0 : open.stdout.trim().split('\n').length }
}
