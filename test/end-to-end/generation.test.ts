/** A deployment on a real Kafka, backed up while it works, and restored into new topics: a new generation that goes on deciding. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { proveBackup, putBackup, readManifest, type TopicsManifest } from '@signalbox/backup'
import { type Agent, connect } from '@signalbox/client'
import { createCodec, sha256 } from '@signalbox/codec'
import {
  canonicalize,
  contractRecords,
  contractSet,
  type Decision,
  defaultContainment,
  defaultLimits,
  type Intent,
  partitionOf,
} from '@signalbox/contract'
import { preparedContracts, snapshotParts } from '@signalbox/core'
import { readEvents } from '@signalbox/event-log'
import { createTopics, openKafkaLog, openKafkaRestoreTarget } from '@signalbox/log-kafka'
import { currentState } from '@signalbox/partition-state'
import { auditPartition } from '@signalbox/replay'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, runOnTopics } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { order, stock } from '../support/shop.ts'

const brokers = process.env.KAFKA_BROKERS!
const partitions = 3
const prefix = `generation-${process.pid}-${Date.now()}`
const [first, second, third] = [`${prefix}-1`, `${prefix}-2`, `${prefix}-3`] as const
const config = join(root, 'test/end-to-end/shop.config.ts')
const codec = createCodec({ limits: defaultLimits })
const scopes = Array.from({ length: 12 }, (_, index) => `shop-${index}`)

let directory = ''
let running: RunningSignalbox
let agent: Agent
const decided: { readonly intent: Intent; readonly decision: Decision }[] = []

async function start(topicPrefix: string): Promise<void> {
  running = await startSignalbox({
    log: await openKafkaLog({ brokers, topicPrefix }),
    contracts: contractSet([order, stock]),
    logger: pino({ level: 'silent' }),
  })
  agent = connect({ coordinator: running.gateway.desk, agent: 'clerk', waitMs: 30_000 })
}

async function command(topicPrefix: string, ...parameters: string[]): Promise<Ended> {
  return await runOnTopics(directory, topicPrefix, [...parameters, '--config', config, '--json'])
}

async function decide(
  scope: string,
  resource: string,
  action: string,
  input: Readonly<Record<string, unknown>> = {},
  onConflict: 'reject' | 'wait' = 'reject',
): Promise<Decision> {
  const intent = agent.intent({ scope, resources: [] }, [{ resource, action, input }], { onConflict })
  const decision = await heard(intent, onConflict === 'wait' ? 1_000 : 30_000)
  decided.push({ intent, decision })
  return decision
}

/** Sent again until something is known of it: a busy machine may take longer than what waits is waited for. */
async function heard(intent: Intent, waitMs: number): Promise<Decision> {
  for (let left = 60; left > 0; left--) {
    const decision = await running.gateway.desk.submit(intent, { waitMs })
    if (decision !== null) return decision
  }
  throw new Error(`nothing became known of intent ${intent.intentId}`)
}

/** Commits, rejects, a duplicate, a dead letter, a lease, one that waits, and bytes that are no intent, in every scope. */
async function work(round: number): Promise<void> {
  await Promise.all(
    scopes.map(async (scope) => {
      for (let number = 0; number < 10; number++) await decide(scope, `order/${round}-${number}`, 'open', { cents: 100 })
      await decide(scope, `order/${round}-0`, 'open', { cents: 100 })
      await agent.submit(decided.find(({ intent }) => intent.scope === scope)!.intent)
      expect(await decide(scope, `order/${round}-1`, 'break')).toMatchObject({ code: 'DEAD_LETTERED' })
      await decide(scope, `stock/${round}`, 'keep', { left: 0 })
      await running.log.append(partitionOf(scope, partitions), { key: scope, value: Buffer.from('no intent at all'), headers: {} })
      expect(await decide(scope, `reservation/order/${round}-2`, 'take', { forMs: 600_000 })).toMatchObject({ committed: true })
    }),
  )
  const waiting = await heard(
    agent.intent({ scope: 'shop-0', resources: [] }, [{ resource: `stock/${round}`, action: 'take' }], {
      onConflict: 'wait',
      deadline: Date.now() + 3_600_000,
    }),
    500,
  )
  expect(waiting.pending).not.toBe(null)
}

/** Everything that the events of each partition come to. */
async function statesOf(topicPrefix: string): Promise<readonly string[]> {
  const log = await openKafkaLog({ brokers, topicPrefix })
  const texts: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const state = await currentState({ log, codec, limits: defaultLimits }, partition)
    const parts = [...snapshotParts(state)].map((part) =>
      part.kind === 'ids'
        ? `ids ${part.ids.number} ${part.ids.entries.join(' ')}`
        : canonicalize(JSON.parse(JSON.stringify(part).replaceAll('\\u0000', '\\n')), 'state'),
    )
    texts.push(sha256(parts.sort().join('\n')))
  }
  await log.close()
  return texts
}

async function lettersOf(topicPrefix: string): Promise<readonly unknown[]> {
  const log = await openKafkaLog({ brokers, topicPrefix })
  const found: unknown[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const { end } = await log.offsets('dead-letters', partition)
    const cursor = await log.cursor({ topic: 'dead-letters', partition, fromOffset: 0 })
    while (cursor.position < end)
      for (const { headers, key, offset, value } of await cursor.next({ maxRecords: 1_000, maxBytes: 1e7, waitMs: 100 }))
        found.push({ partition, offset, key, headers, value: Buffer.from(value!).toString('base64') })
    await cursor.close()
  }
  await log.close()
  return found
}

const manifestOf = (name: string) => readManifest(join(directory, name)) as TopicsManifest

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-generation-'))
  await createTopics({ brokers, topicPrefix: first, partitions })
  await createTopics({ brokers, topicPrefix: second, partitions })
  await createTopics({ brokers, topicPrefix: third, partitions: partitions + 1 })
  await start(first)
}, 120_000)

afterAll(async () => {
  await running.stop()
  rmSync(directory, { recursive: true, force: true })
})

describe('a log on Kafka', { timeout: 240_000 }, () => {
  let states: readonly string[] = []

  it('is backed up while it is written to, and later runs add what came since', async () => {
    await work(1)
    let isOver = false
    const writing = (async () => {
      for (let round = 2; !isOver; round++) await work(round)
    })()
    const taken = await command(first, 'backup', 'copy')
    isOver = true
    await writing
    // The last round may have been in the backup already.
    await work(0)
    expect(taken, taken.stderr).toMatchObject({ code: 0 })
    const { added, records } = JSON.parse(taken.stdout) as { added: number; records: number }
    expect(added).toBe(records)
    const again = await command(first, 'backup', 'copy')
    expect(again, again.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(again.stdout).added).toBeGreaterThan(0)
    expect(JSON.parse(again.stdout).records).toBe(records + JSON.parse(again.stdout).added)
    expect(manifestOf('copy').segments.some(({ records, topic }) => topic === 'dead-letters' && records > 0)).toBe(true)
    await agent.close()
    await running.stop()
    expect(JSON.parse((await command(first, 'backup', 'copy')).stdout)).toMatchObject({ added: expect.any(Number) })
    expect(JSON.parse((await command(first, 'backup', 'copy')).stdout)).toMatchObject({ added: 0 })
    states = await statesOf(first)
  })

  it('is restored into new topics with every event as it was', async () => {
    const restored = await command(second, 'restore', 'copy')
    expect(restored, restored.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(restored.stdout)).toMatchObject({ restored: true, audit: { clean: true, breaks: 0 } })
    expect(await statesOf(second)).toEqual(states)
    const [before, after] = await Promise.all(
      [first, second].map(async (topicPrefix) => {
        const log = await openKafkaLog({ brokers, topicPrefix })
        const found: unknown[] = []
        for (let partition = 0; partition < partitions; partition++) {
          for await (const { event } of readEvents({ log, codec }, partition)) found.push(event)
          const { end, start } = await log.offsets('intents', partition)
          const { nextOffset } = await currentState({ log, codec, limits: defaultLimits }, partition)
          if (topicPrefix === second) expect({ partition, start, end }).toEqual({ partition, start: nextOffset, end: nextOffset })
        }
        await log.close()
        return found
      }),
    )
    expect(after).toEqual(before)
    const letters = await Promise.all([first, second].map(lettersOf))
    expect(letters[0]!.length).toBeGreaterThan(20)
    // By their offsets they are named.
    expect(letters[1]).toEqual(letters[0])
  })

  it('goes on deciding there: old ids are duplicates, what waited goes on waiting, offsets follow', async () => {
    await start(second)
    const olds = decided.filter(({ decision }) => decision.committed).slice(0, 40)
    for (const { decision, intent } of olds)
      expect(await agent.submit(intent)).toMatchObject({ committed: true, duplicate: true, event: decision.event })
    expect(await decide('shop-0', 'reservation/order/1-2', 'take', { forMs: 1_000 })).toMatchObject({
      committed: false,
      code: 'GUARD_REFUSED',
    })
    const fresh = await decide('shop-0', 'order/fresh', 'open', { cents: 1 })
    expect(fresh.committed).toBe(true)
    const highest = Math.max(
      ...decided
        .filter(({ intent }) => partitionOf(intent.scope, partitions) === partitionOf('shop-0', partitions))
        .map(({ decision }) => Number(decision.event!.split('/')[1])),
    )
    expect(Number(fresh.event!.split('/')[1])).toBe(highest)
    await agent.close()
    await running.stop()
    // In this process: here the contracts have the source that decided.
    const log = await openKafkaLog({ brokers, topicPrefix: second })
    const contracts = contractSet([order, stock])
    const rules = {
      contracts: preparedContracts(contracts),
      limits: defaultLimits,
      containment: defaultContainment,
      partitionCount: partitions,
      agents: null,
      sha256,
    }
    for (let partition = 0; partition < partitions; partition++) {
      const options = { log, codec, snapshots: null, rules, contracts: contractRecords(contracts, sha256) }
      const { decidedAgain, decisions, findings, undecided } = await auditPartition(options, partition)
      expect({ findings, undecided }).toEqual({ findings: [], undecided: 0 })
      // What was no intent is decided again where its record is still there alone.
      expect(decidedAgain).toBeGreaterThan(0.8 * decisions)
    }
    await log.close()
    // For whoever closes after the tests.
    await start(second)
  })

  it('is restored into empty topics with as many partitions alone', async () => {
    const onto = await command(second, 'restore', 'copy')
    expect(onto).toMatchObject({ code: 2, stderr: expect.stringContaining('is not empty') })
    const other = await command(third, 'restore', 'copy')
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('the backup has 3 partitions and the topics have 4') })
    const notKafka = await command(first, 'restore', 'copy', '--log', 'sqlite', '--data-dir', 'new')
    expect(notKafka).toMatchObject({ code: 2, stderr: expect.stringContaining('a backup of a log on Kafka') })
  })

  it('is not decided by a sequencer that starts before the restore is done', async () => {
    const topicPrefix = `${prefix}-5`
    await createTopics({ brokers, topicPrefix, partitions })
    const [log, target] = [await openKafkaLog({ brokers, topicPrefix }), await openKafkaRestoreTarget({ brokers, topicPrefix })]
    const options = { directory: join(directory, 'copy'), manifest: manifestOf('copy'), codec }
    const proof = await proveBackup(options)
    await putBackup({ ...options, proof, log, target: { appendAt: target.appendAt, startIntentsAt: async () => {} } })
    const early = await startSignalbox({
      log: await openKafkaLog({ brokers, topicPrefix }),
      contracts: contractSet([order, stock]),
      logger: pino({ level: 'silent' }),
    })
    await expect(early.failed).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    await early.stop()
    await target.close()
    await log.close()
  })

  it('is not mixed with another log, nor restored where a file was changed', async () => {
    await createTopics({ brokers, topicPrefix: `${prefix}-4`, partitions })
    expect(await command(`${prefix}-4`, 'backup', 'copy')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is of another log'),
    })
    const { file } = manifestOf('copy').segments.find(({ topic }) => topic === 'events')!
    appendFileSync(join(directory, 'copy', file), 'x')
    const changed = await command(`${prefix}-4`, 'restore', 'copy')
    expect(changed).toMatchObject({ code: 2, stderr: expect.stringContaining('of the backup cannot be used') })
    const untouched = await openKafkaLog({ brokers, topicPrefix: `${prefix}-4` })
    expect(await untouched.offsets('events', 0)).toMatchObject({ start: 0, end: 0 })
    await untouched.close()
  })
})
