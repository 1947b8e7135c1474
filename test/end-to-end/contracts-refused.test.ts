/** Contracts that cannot decide a log: said before anything is up, and given to another sequencer while running. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newIntentId } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits, defineContract, intentFromJson, intentToJson, none } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { type Sequencer, startSequencer } from '@signalbox/sequencer'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { stock } from '../support/shop.ts'
import { runCommandLine } from './run-command.ts'

const timeout = 120_000
let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-refused-'))
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

interface Shape {
  readonly version: number
  readonly states?: string
  readonly data?: string
  readonly more?: string
}

/** A config with a parcel, whose states and data are as given. */
function config({ data = 'z.strictObject({ grams: z.int() })', more = '', states = "['packed']", version }: Shape): string {
  const file = join(directory, `parcel-${version}-${Math.random().toString(36).slice(2)}.config.ts`)
  const contract = join(root, 'packages/contract/src/index.ts')
  const zod = join(root, 'packages/contract/node_modules/zod/index.js')
  writeFileSync(
    file,
    `import { defineConfig, defineContract, none } from '${contract}'
import { z } from '${zod}'
const [first] = ${states}
export default defineConfig({ contracts: [defineContract({
  type: 'parcel', version: ${version}, owner: { team: 't', contact: 'c' }, data: ${data}, states: ${states},
  actions: { pack: { from: none, to: first, input: z.strictObject({ grams: z.int() }), apply: ({ input }) => input } }, ${more}
})] })
`,
  )
  return file
}

/** `up` on the folder of the test, until it ends or says that it is up. */
async function up(file: string, ...flags: string[]): Promise<{ code: number | null; stderr: string }> {
  return await runCommandLine(['up', '--config', file, '--data-dir', join(directory, 'data'), '--port', '0', ...flags])
}

async function withParcel(): Promise<void> {
  const commands = await openCommands(config({ version: 1 }), directory)
  const intent = intentToJson(
    intentFromJson({
      intentId: newIntentId(),
      scope: 'depot',
      agent: 'packer',
      actions: [{ resource: 'parcel/1', action: 'pack', input: { grams: 5 } }],
    }),
  )
  const packed = await commands.run(['intent', 'submit', '-', '--url', commands.url], JSON.stringify(intent))
  expect([packed.code, packed.stderr]).toEqual([0, ''])
  await commands.stopUp()
}

describe('up on an embedded log', { timeout }, () => {
  it.each([
    [
      'a state that is gone',
      { version: 2, states: "['sealed']" },
      /STATE_UNKNOWN: parcel@2 .*'packed'; there are sealed.*depot parcel\/1.*--accept-incompatible/,
    ],
    ['data that does not fit', { version: 2, data: 'z.strictObject({ kilos: z.int() })' }, /DATA_UNFIT: parcel@2 .*contract check/],
    ['an upcast that throws', { version: 2, more: "upcast: { 2: { resource: () => { throw new Error('no way') } } }" }, /parcel@2/],
    [
      'the same version, changed',
      { version: 1, states: "['bundled']" },
      /parcel@1 was changed without raising its version.*raise the version/,
    ],
  ] as const)('%s ends with 2 before it is up, and nothing is recorded', async (_name, shape, sentence) => {
    await withParcel()
    const refused = await up(config(shape))
    expect(refused.stderr).toMatch(sentence)
    expect([refused.code, refused.stderr.includes('is up'), refused.stderr.includes('a bug')]).toEqual([2, false, false])
    // The mended version is taken: no version 2 was recorded.
    const commands = await openCommands(config({ version: 2 }), directory)
    expect((await commands.run(['resource', 'show', 'depot', 'parcel/1', '--url', commands.url])).code).toBe(0)
    expect(await commands.stopUp()).toBe(0)
    // And an older one is not, from then on.
    const older = await up(config({ version: 1 }))
    expect([older.code, /parcel@2, and this process has parcel@1/.test(older.stderr)]).toEqual([2, true])
  })
})

const parcel = (version: number, states: [string, ...string[]] = ['packed']) =>
  contractSet([
    defineContract({
      type: 'parcel',
      version,
      owner: { team: 't', contact: 'c' },
      data: z.strictObject({}),
      states,
      actions: { pack: { from: none, to: states[0], input: z.strictObject({}) } },
    }),
  ])

describe('sequencers of several versions on one Kafka', { timeout }, () => {
  const brokers = process.env.KAFKA_BROKERS!
  const codec = createCodec({ limits: defaultLimits })
  const logger = { info: () => {}, warn: () => {}, error: () => {} } as never
  let topicPrefix = ''
  const started: { sequencer: Sequencer; stop: () => Promise<void> }[] = []

  beforeEach(async () => {
    topicPrefix = `refused-${process.pid}-${Date.now()}`
    await createTopics({ brokers, topicPrefix, partitions: 12 })
  })

  afterEach(async () => {
    await Promise.all(started.splice(0).map(({ stop }) => stop()))
  }, timeout)

  async function start(contracts: ReturnType<typeof parcel>, checkFirst = false) {
    const log = await openKafkaLog({ brokers, topicPrefix, heartbeatIntervalMs: 100 })
    const sequencer = await startSequencer({ log, codec, contracts, logger, software: 'test', checkFirst }).catch(
      async (error: unknown) => {
        await log.close()
        throw error
      },
    )
    const one = {
      sequencer,
      log,
      stop: async () => {
        await sequencer.stop()
        await log.close()
      },
    }
    started.push(one)
    return one
  }

  const active = (sequencer: Sequencer) => [...sequencer.phases().values()].filter((phase) => phase === 'active').length
  const until = async (isSo: () => boolean) => await vi.waitUntil(isSo, { timeout: 60_000, interval: 20 })

  it.each([
    ['an older version', parcel(1)],
    ['the same version, changed', parcel(2, ['bundled'])],
    ['a config without the type', contractSet([stock])],
  ])('%s is not started beside a newer one, and where it joins all the same the newer one decides all', async (_name, others) => {
    const newer = await start(parcel(2))
    await until(() => active(newer.sequencer) === 12)
    await expect(start(others, true)).rejects.toThrow(/parcel@/)
    const older = await start(others)
    await until(() => older.sequencer.refusals().length > 0)
    await until(() => active(newer.sequencer) === 12 && active(older.sequencer) === 0)
    expect(older.sequencer.refusals()[0]).toMatchObject({ kind: 'contracts' })
    expect(older.sequencer.refusals()[0]!.message).toMatch(/cannot be decided by this process: .*parcel@2/)
    expect(newer.sequencer.refusals()).toEqual([])
  })

  it('two of the older and one newer: the newer decides all; when it leaves, the older ones say that nobody does', async () => {
    const [first, second] = [await start(parcel(1)), await start(parcel(1))]
    await until(() => active(first.sequencer) + active(second.sequencer) === 12)
    const newer = await start(parcel(2))
    // What the newer one has opened once is closed to the older ones; what it has not, they go on with.
    await until(() => active(newer.sequencer) === 4 && active(first.sequencer) + active(second.sequencer) === 8)
    const opened = [...newer.sequencer.phases()].filter(([, phase]) => phase === 'active').map(([partition]) => partition)
    await newer.sequencer.stop()
    await newer.log.close()
    started.splice(started.indexOf(newer), 1)
    const refused = () => [first, second].flatMap(({ sequencer }) => sequencer.refusals().map(({ partition }) => partition!))
    await until(() => opened.some((partition) => refused().includes(partition)))
    await until(() => active(first.sequencer) + active(second.sequencer) === 12 - opened.length)
    const again = await start(parcel(2))
    await until(() => active(again.sequencer) >= opened.length)
    await until(() => active(first.sequencer) + active(second.sequencer) + active(again.sequencer) === 12)
    for (const partition of opened) expect(again.sequencer.phases().get(partition)).toBe('active')
  })

  it('what is accepted although it does not fit is recorded', async () => {
    const log = await openKafkaLog({ brokers, topicPrefix })
    const sequencer = await startSequencer({
      log,
      codec,
      contracts: parcel(1),
      logger,
      software: 'test',
      acceptIncompatible: true,
      checkFirst: true,
    })
    await until(() => active(sequencer) === 12)
    const events: unknown[] = []
    for await (const { event } of readEvents({ log, codec }, 0)) events.push(event)
    expect(JSON.stringify(events)).toContain('test, incompatible contracts accepted')
    await sequencer.stop()
    await log.close()
  })
})
