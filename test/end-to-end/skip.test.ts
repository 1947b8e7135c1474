/** `signalbox intent skip`: a record that kills every owner is passed by, recorded, and kept whole. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCodec } from '@signalbox/codec'
import { defaultLimits, intentFromJson, partitionOf } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import type { Log } from '@signalbox/log'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { root } from '../support/root.ts'
import { intent } from '../support/shop.ts'

const main = join(root, 'packages/cli/src/main.ts')
const config = join(root, 'test/end-to-end/killer.config.ts')
const codec = createCodec({ limits: defaultLimits })
const timeout = 60_000
const cleanups: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Place {
  readonly partitions: number
  readonly environment: Readonly<Record<string, string>>
  open(): Promise<Log>
}

async function sqlite(): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-skip-'))
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
  const environment = { SIGNALBOX_LOG: 'sqlite', SIGNALBOX_DATA_DIR: directory }
  return { partitions: 1, environment, open: () => openSqliteLog({ directory }) }
}

async function kafka(): Promise<Place> {
  const brokers = process.env.KAFKA_BROKERS!
  const topicPrefix = `skip-${process.pid}-${Date.now()}`
  await createTopics({ brokers, topicPrefix, partitions: 2 })
  const environment = { KAFKA_TOPIC_PREFIX: topicPrefix, KAFKA_SESSION_TIMEOUT_MS: '6000', KAFKA_HEARTBEAT_INTERVAL_MS: '200' }
  return { partitions: 2, environment, open: () => openKafkaLog({ brokers, topicPrefix }) }
}

interface Run {
  readonly child: ChildProcess
  readonly out: { stdout: string; stderr: string }
  readonly ended: Promise<number | null>
}

function start({ environment }: Place, ...parameters: string[]): Run {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters], {
    env: { ...process.env, ...environment, SIGNALBOX_CONFIG: config, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => {
      out[stream] += chunk.toString()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  cleanups.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, out, ended }
}

describe.each([
  ['sqlite', sqlite],
  ['kafka', kafka],
])('on %s', { timeout: 3 * timeout }, (_name, make) => {
  it('the partition goes on behind a record that ends every process which decides it', async () => {
    const place = await make()
    const log = await place.open()
    const asked = [
      intent([{ resource: 'order/1', action: 'open', input: { cents: 1 } }]),
      intent([{ resource: 'killer/1', action: 'strike' }]),
      intent([{ resource: 'order/2', action: 'open', input: { cents: 1 } }]),
    ].map((each) => intentFromJson(each))
    const partition = partitionOf(asked[0]!.scope, place.partitions)
    const offsets: number[] = []
    for (const each of asked)
      offsets.push((await log.append(partition, { key: each.scope, value: codec.encodeIntent(each), headers: {} })).offset)
    await log.close()
    const [before, deadly, after] = offsets as [number, number, number]

    // The first life decides what lies before; in the second the deadly one comes first, and alone.
    for (let life = 0; life < 2; life++) {
      const killed = start(place, 'up', '--port', '0')
      expect(await killed.ended, killed.out.stderr).toBe(99)
    }
    const notNext = start(place, 'intent', 'skip', `${partition}`, `${after}`, '--reason', 'a guess')
    expect(await notNext.ended).toBe(3)
    expect(notNext.out.stderr).toContain(`at offset ${deadly}`)
    const withoutReason = start(place, 'intent', 'skip', `${partition}`, `${deadly}`)
    expect(await withoutReason.ended).toBe(2)
    const reason = 'its guard ends the process'
    const skipped = start(place, 'intent', 'skip', `${partition}`, `${deadly}`, '--reason', reason, '--by', 'ann', '--json')
    expect(await skipped.ended, skipped.out.stderr).toBe(0)
    expect(JSON.parse(skipped.out.stdout)).toEqual({
      event: `${partition}/${deadly}/0`,
      partition,
      offset: deadly,
      by: 'human:ann',
      reason,
    })
    const up = start(place, 'up', '--port', '0')
    await vi.waitUntil(() => up.out.stderr.includes('signalbox is up') || up.child.exitCode !== null, { timeout, interval: 20 })
    const again = await place.open().catch(() => null)
    if (again !== null) {
      // On Kafka others may read and write meanwhile.
      await vi.waitUntil(async () => (await decisions(again, partition)).length === 3, { timeout, interval: 50 })
      await again.close()
    }
    up.child.kill('SIGTERM')
    expect(await up.ended, up.out.stderr).toBe(0)

    const reader = await place.open()
    cleanups.push(() => reader.close())
    expect(await decisions(reader, partition)).toEqual([
      { offset: before, code: null },
      { offset: deadly, code: 'SKIPPED' },
      { offset: after, code: null },
    ])
    const cursor = await reader.cursor({ topic: 'dead-letters', partition, fromOffset: 0 })
    const letters = await cursor.next({ maxRecords: 10, maxBytes: 1_000_000, waitMs: 5_000 })
    await cursor.close()
    expect(letters.map(({ value }) => codec.decodeIntent(value).intentId)).toEqual([asked[1]!.intentId])
    expect(letters[0]!.headers).toMatchObject({
      sb_code: 'SKIPPED',
      sb_source_offset: `${deadly}`,
      sb_cause: expect.stringContaining('by human:ann'),
    })
    await reader.close()
    const audit = start(place, 'audit', '--json')
    expect(await audit.ended, audit.out.stdout).toBe(0)
  })
})

async function decisions(log: Log, partition: number): Promise<{ offset: number; code: string | null }[]> {
  const found: { offset: number; code: string | null }[] = []
  for await (const { event } of readEvents({ log, codec }, partition)) {
    if (event.type === 'IntentCommitted') found.push({ offset: event.offset, code: null })
    if (event.type === 'IntentRejected') found.push({ offset: event.offset, code: event.payload.code })
  }
  return found
}
