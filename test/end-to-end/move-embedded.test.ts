/** An embedded Signalbox that goes on on Kafka: its log is moved there, and its read models go on. */
import { join } from 'node:path'
import { createTopics } from '@signalbox/log-kafka'
import { describe, expect, it, vi } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'

const brokers = process.env.KAFKA_BROKERS!
const topicPrefix = `embedded-${process.pid}-${Date.now()}`
const config = join(root, 'test/end-to-end/shop.config.ts')
const orders = 5
const onKafka = { KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: topicPrefix, SIGNALBOX_PROJECTOR_HISTORY: 'true' }

interface Row {
  readonly key: string
  readonly row: { readonly intentId: string; readonly event: string; readonly agent: string }
}

function asked(number: number): readonly string[] {
  return ['--scope', `shop-${number}`, '--agent', 'clerk', '--do', `open order/${number} ${JSON.stringify({ cents: 100 + number })}`]
}

async function submit({ run, url }: Commands, number: number) {
  const ended = await run(['intent', 'submit', ...asked(number), '--url', url, '--json'])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return JSON.parse(ended.stdout) as { intentId: string; event: string }
}

/** Of what the clerk asked; something follows from it. */
async function rows({ run }: Commands, ...flags: string[]): Promise<readonly Row[]> {
  const ended = await run(['projection', 'rows', 'decisions', '--data-dir', 'data', '--config', config, '--json', ...flags])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return (JSON.parse(ended.stdout) as Row[]).filter(({ row }) => row.agent === 'clerk')
}

describe('an embedded log that is moved to Kafka', { timeout: 180_000 }, () => {
  it('is closed by who moves it, once its owner is gone, and read models count on', async () => {
    const embedded = await openCommands(config)
    const move = [
      'generation',
      'move',
      topicPrefix,
      '--reason',
      'it grows',
      '--by',
      'ann',
      '--log',
      'sqlite',
      '--data-dir',
      'data',
      '--config',
      config,
      '--json',
    ]
    let grown: Commands | undefined
    try {
      const decisions: { intentId: string; event: string }[] = []
      for (let number = 0; number < orders; number++) decisions.push(await submit(embedded, number))
      await vi.waitUntil(async () => (await rows(embedded)).length === orders, { timeout: 20_000, interval: 200 })
      expect(await embedded.run(move)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('an embedded log is moved to Kafka; set KAFKA_BROKERS'),
      })
      Object.assign(embedded.environment, onKafka)
      expect((await embedded.run(move)).stderr).toContain('topics do not exist')
      await createTopics({ brokers, topicPrefix, partitions: 3 })
      const owned = await embedded.run(move)
      expect(owned.code).not.toBe(0)
      expect(owned.stderr).toContain('is owned by')
      expect(await embedded.stopUp()).toBe(0)

      const moved = await embedded.run(move)
      expect(moved, moved.stderr).toMatchObject({ code: 0 })
      expect(JSON.parse(moved.stdout)).toMatchObject({
        from: 'sqlite:data',
        fromPartitions: 1,
        to: topicPrefix,
        toPartitions: 3,
        resources: orders,
        audit: { clean: true },
      })

      grown = await openCommands(config, embedded.directory, { ...onKafka, SIGNALBOX_LOG: 'kafka' })
      const after = await submit(grown, orders)
      expect(after.event).toMatch(/^\d\/1000\d{3}\/0$/)
      const kafka = ['--log', 'kafka']
      await vi.waitUntil(async () => (await rows(grown!, ...kafka)).length === orders + 1, { timeout: 20_000, interval: 200 })
      const known = new Map((await rows(grown, ...kafka)).map(({ row }) => [row.intentId, row.event]))
      for (const { event, intentId } of [...decisions, after]) expect(known.get(intentId)).toBe(event)
      const verified = await grown.run(['projection', 'verify', 'decisions', '--data-dir', 'data', '--config', config, '--json', ...kafka])
      expect(JSON.parse(verified.stdout), verified.stderr).toMatchObject({ isClean: true, offsets: { length: 3 + 1 } })

      const elsewhere = await grown.run(['projection', 'rebuild', 'decisions', '--data-dir', 'elsewhere', '--config', config, ...kafka])
      expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining('read models go back to sqlite:data') })
      const unknown = await grown.run(['intent', 'show', decisions[0]!.intentId, '--config', config, ...kafka])
      expect(unknown).toMatchObject({ code: 3, stderr: expect.stringContaining('--log sqlite --data-dir data') })
      const before = await grown.run([
        'intent',
        'show',
        decisions[0]!.intentId,
        '--config',
        config,
        '--log',
        'sqlite',
        '--data-dir',
        'data',
        '--json',
      ])
      expect(JSON.parse(before.stdout)).toMatchObject({ committed: true })
      const again = await grown.run(move)
      expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('is not empty') })
      await grown.stopUp()
      const old = await openCommands(config, embedded.directory, { SIGNALBOX_LOG: 'sqlite' })
      const late = await old.run(['intent', 'submit', ...asked(9), '--url', old.url, '--json'])
      expect(late).toMatchObject({ code: 5, stdout: expect.stringContaining('GENERATION_CLOSED') })
      Object.assign(old.environment, onKafka)
      const reopened = await old.run(['generation', 'reopen', '--reason', 'x', '--data-dir', 'data', '--url', old.url])
      expect(reopened).toMatchObject({ code: 2, stderr: expect.stringContaining('holds records already') })
      expect(await old.stopUp()).toBe(0)
    } finally {
      await grown?.stopUp()
      await embedded.close()
    }
  })
})
