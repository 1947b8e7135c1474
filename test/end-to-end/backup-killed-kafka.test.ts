/** Backups of a log on a real broker that are killed: the one before, or the new one, restores; the next goes on and cleans up. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { proveBackup, readManifest, type TopicsManifest } from '@signalbox/backup'
import { connect } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits } from '@signalbox/contract'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, runOnTopics } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { order, stock } from '../support/shop.ts'

const brokers = process.env.KAFKA_BROKERS!
const prefix = `killed-${process.pid}-${Date.now()}`
const partitions = 2
const directory = mkdtempSync(join(tmpdir(), 'signalbox-killed-'))
const place = (name: string) => join(directory, name)
const codec = createCodec({ limits: defaultLimits })
const config = join(root, 'test/end-to-end/shop.config.ts')
const segments = '--disable-warning=ExperimentalWarning'
let few = 0
let many = 0
let restores = 0

const command = (topicPrefix: string, ...parameters: string[]): Promise<Ended> =>
  runOnTopics(directory, topicPrefix, [...parameters, '--log', 'kafka', '--config', config])

async function decide(count: number): Promise<void> {
  const log = await openKafkaLog({ brokers, topicPrefix: prefix })
  const running = await startSignalbox({ log, contracts: contractSet([order, stock]), logger: pino({ level: 'silent' }) })
  const agent = connect({ coordinator: running.gateway.desk, agent: 'clerk', waitMs: 60_000 })
  for (let each = 0; each < count; each++)
    await agent.propose({ scope: `shop-${each % 8}`, resources: [] }, [
      { resource: `order/${Math.random()}`, action: 'open', input: { cents: 1 } },
    ])
  await agent.close()
  await running.stop()
}

/** Killed before its nth change of a file in the folder; gives whether it came so far. */
async function killedAt(moment: number, folder: string): Promise<boolean> {
  const main = join(root, 'packages/cli/src/main.ts')
  const deadly = ['--import', join(root, 'packages/log-sqlite/test/dies-at.ts')]
  const child = spawn(process.execPath, [segments, ...deadly, main, 'backup', folder, '--log', 'kafka', '--config', config], {
    cwd: directory,
    stdio: 'ignore',
    env: { ...process.env, KAFKA_TOPIC_PREFIX: prefix, DIES_AT: `${moment}`, DIES_IN: folder },
  })
  const [code] = await once(child, 'exit')
  return code === null
}

/** How many events a restore would write, each file proven; null where nothing was ever whole. */
async function eventsIn(name: string): Promise<number | null> {
  const manifest = readManifest(place(name)) as TopicsManifest | null
  if (manifest === null || manifest.takenAt === null) return null
  return (await proveBackup({ directory: place(name), manifest, codec })).events
}

async function restored(name: string): Promise<Ended> {
  const topicPrefix = `${prefix}-restored-${++restores}`
  await createTopics({ brokers, topicPrefix, partitions })
  return await command(topicPrefix, 'restore', place(name), '--json')
}

function filesIn(folder: string): readonly string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).filter((each) => statSync(join(folder, each)).isFile()).sort()
}

/** Nothing but what the manifest names. */
function expectClean(name: string): void {
  const { segments: named } = readManifest(place(name)) as TopicsManifest
  expect(filesIn(place(name))).toEqual(['backup.json', 'settings.json', ...named.map(({ file }) => file)].sort())
}

beforeAll(async () => {
  await createTopics({ brokers, topicPrefix: prefix, partitions })
  await decide(20)
  expect(await command(prefix, 'backup', place('first'))).toMatchObject({ code: 0 })
  few = (await eventsIn('first'))!
  await decide(20)
  expect(await command(prefix, 'backup', place('second'))).toMatchObject({ code: 0 })
  many = (await eventsIn('second'))!
  expect(many).toBeGreaterThan(few)
}, 240_000)

afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a backup of a log on Kafka', { timeout: 300_000 }, () => {
  it('that is killed at any moment leaves the one before or the new one; the next goes on with it', async () => {
    const found = new Set<number | null>()
    // A command takes seconds: not each of the moments, and at every kind of them. The embedded log is killed at each.
    for (let moment = 1, isOver = false; !isOver; moment += 5) {
      cpSync(place('first'), place('taken'), { recursive: true })
      isOver = !(await killedAt(moment, place('taken')))
      const there = await eventsIn('taken')
      expect([few, many], `killed before change ${moment}`).toContain(there)
      found.add(there)
      // On the broker itself, at the beginning and in the middle.
      if (moment === 1 || moment === 6) {
        const { code, stdout, stderr } = await restored('taken')
        expect({ code, stderr }).toMatchObject({ code: 0 })
        expect(JSON.parse(stdout)).toMatchObject({ restored: true, audit: { clean: true } })
      }
      expect(await command(prefix, 'backup', place('taken'))).toMatchObject({ code: 0 })
      expect(await eventsIn('taken')).toBe(many)
      expectClean('taken')
      rmSync(place('taken'), { recursive: true })
    }
    expect(found).toEqual(new Set([few, many]))
  })

  it('that was killed as the first of a folder restores nothing and says so, and the next is whole', async () => {
    for (const moment of [1, 7]) {
      mkdirSync(place('empty'))
      expect(await killedAt(moment, place('empty'))).toBe(true)
      expect(await eventsIn('empty')).toBe(null)
      const { code, stderr } = await command(`${prefix}-none`, 'restore', place('empty'))
      expect([code, stderr]).toEqual([expect.any(Number), expect.stringMatching(/no backup (in|into) /)])
      expect([2, 3]).toContain(code)
      expect(await command(prefix, 'backup', place('empty'))).toMatchObject({ code: 0 })
      expect(await eventsIn('empty')).toBe(many)
      expectClean('empty')
      rmSync(place('empty'), { recursive: true })
    }
  })

  it('cleans up what others left, and leaves alone what is not its own', async () => {
    cpSync(place('second'), place('left'), { recursive: true })
    for (const name of ['events/0/000000000000007.jsonl.gz', 'events/0/000000000000009.jsonl.gz.part', 'backup.json.99.part'])
      writeFileSync(join(place('left'), name), 'half')
    writeFileSync(join(place('left'), 'events/diary.txt'), 'mine')
    expect(await command(prefix, 'backup', place('left'))).toMatchObject({ code: 0 })
    expect(filesIn(place('left'))).toContain('events/diary.txt')
    rmSync(join(place('left'), 'events/diary.txt'))
    expectClean('left')
  })
})
