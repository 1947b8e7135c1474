/** A deployment on a real Kafka that gets more partitions while it holds everything that a log can hold, and later fewer. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, connect } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import {
  contractSet,
  type Decision,
  defaultLimits,
  homeScope,
  type Intent,
  intentFromJson,
  isSystemScope,
  partitionOf,
  systemScope,
} from '@signalbox/contract'
import type { PartitionState } from '@signalbox/core'
import { readDeadLetters } from '@signalbox/dead-letters'
import { readEvents } from '@signalbox/event-log'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { currentState } from '@signalbox/partition-state'
import { findDecision, resourceAt } from '@signalbox/replay'
import { startSequencer } from '@signalbox/sequencer'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, runOnTopics } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { intent as asked, openShop } from '../support/shop.ts'
import shop, { stockName, warehouse } from './shop.config.ts'

const brokers = process.env.KAFKA_BROKERS!
const prefix = `move-${process.pid}-${Date.now()}`
const [first, second, third] = [`${prefix}-1`, `${prefix}-2`, `${prefix}-3`] as const
const counts = { [first]: 3, [second]: 8, [third]: 2 }
const config = join(root, 'test/end-to-end/shop.config.ts')
const codec = createCodec({ limits: defaultLimits })
const contracts = contractSet(shop.contracts)
const logger = pino({ level: 'silent' })
const scopes = Array.from({ length: 12 }, (_, index) => `shop-${index}`)

const stocked = 1_000_000

let directory = ''
let running: RunningSignalbox
let agent: Agent
let orders = 0
const decided: { readonly intent: Intent; readonly decision: Decision }[] = []

async function start(topicPrefix: string): Promise<void> {
  running = await startSignalbox({ log: await openKafkaLog({ brokers, topicPrefix }), contracts, reactions: shop.reactions ?? [], logger })
  agent = connect({ coordinator: running.gateway.desk, agent: 'clerk', waitMs: 30_000 })
}

async function stop(): Promise<void> {
  await agent.close()
  await running.stop()
}

async function command(topicPrefix: string, ...parameters: string[]): Promise<Ended> {
  const json = parameters.includes('--output') ? [] : ['--json']
  return await runOnTopics(directory, topicPrefix, [...parameters, '--config', config, ...json])
}

const history = { SIGNALBOX_PROJECTOR_HISTORY: 'true' }
const models = ['decisions', 'agents', 'escalations', 'contention']

/** In a store that all topics share. */
async function projection(topicPrefix: string, verb: string, name: string, variables = {}): Promise<Ended> {
  const flags = ['--log', 'kafka', '--data-dir', 'models', '--config', config, '--json', ...(verb === 'rows' ? ['--limit', '1000'] : [])]
  return await runOnTopics(directory, topicPrefix, ['projection', verb, name, ...flags], variables)
}

async function decisionRows(topicPrefix: string, variables = {}) {
  const { stdout } = await projection(topicPrefix, 'rows', 'decisions', variables)
  const rows = JSON.parse(stdout) as { key: string; row: { intentId: string; outcome: string; code: string | null } }[]
  return new Map(rows.map(({ key, row }) => [key, row]))
}

/** Sent again until something is known of it: a busy machine may take longer than what waits is waited for. */
async function heard(intent: Intent, waitMs = 5_000): Promise<Decision> {
  for (let left = 60; left > 0; left--) {
    const decision = await running.gateway.desk.submit(intent, { waitMs })
    if (decision !== null) return decision
  }
  throw new Error(`nothing became known of intent ${intent.intentId}`)
}

async function ask(scope: string, resource: string, action: string, input: object = {}, more: object = {}): Promise<Decision> {
  const intent = intentFromJson(asked([{ resource, action, input: input as Record<string, never> }], { scope, ...more }))
  const decision = await heard(intent)
  decided.push({ intent, decision })
  if (action === 'open' && decision.committed) orders++
  return decision
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let left = 300; left > 0; left--) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${what} did not come`)
}

async function seen(scope: string, resource: string) {
  return (await running.gateway.desk.observe(scope, [resource]))!.resources[0]!
}

async function readStates(topicPrefix: string): Promise<readonly PartitionState[]> {
  const log = await openKafkaLog({ brokers, topicPrefix })
  const states = await Promise.all(
    Array.from({ length: log.partitionCount }, (_, partition) => currentState({ log, codec, limits: defaultLimits }, partition)),
  )
  await log.close()
  return states
}

/** What resources of scopes are, wherever they lie. */
function resourcesOf(states: readonly PartitionState[]): ReadonlyMap<string, unknown> {
  const entries = states.flatMap((state) => [...state.resources()].filter(([key]) => !isSystemScope(key)))
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-move-'))
  for (const [topicPrefix, partitions] of Object.entries(counts)) await createTopics({ brokers, topicPrefix, partitions })
  await start(first)
}, 120_000)

afterAll(async () => {
  await stop()
  rmSync(directory, { recursive: true, force: true })
})

describe('a log on Kafka that gets other partitions', { timeout: 240_000 }, () => {
  let before: readonly PartitionState[] = []
  let decisionsBefore: Awaited<ReturnType<typeof decisionRows>>
  // A human has an hour to answer, whatever the machine does meanwhile.
  const waiting = intentFromJson(
    asked([{ resource: 'stock/none', action: 'take', input: {} }], { scope: 'shop-0', onConflict: 'escalate' }),
  )

  it('holds what a log can hold', async () => {
    await ask(warehouse, stockName, 'keep', { left: stocked })
    await Promise.all(
      scopes.map(async (scope) => {
        for (let number = 0; number < 5; number++) await ask(scope, `order/${number}`, 'open', { cents: 100 })
        await ask(scope, 'order/0', 'open', { cents: 100 })
        expect(await ask(scope, 'order/1', 'break')).toMatchObject({ code: 'DEAD_LETTERED' })
        await running.log.append(partitionOf(scope, counts[first]!), { key: scope, value: Buffer.from('no intent at all'), headers: {} })
        expect(await ask(scope, 'reservation/order/2', 'take', { forMs: 600_000 })).toMatchObject({ committed: true })
      }),
    )
    await ask('shop-0', 'stock/none', 'keep', { left: 0 })
    expect((await heard(waiting, 500)).pending).not.toBe(null)
    const input = { reason: 'it went wrong', taintedSinceMs: null }
    await ask(homeScope('rogue'), 'agent/rogue', 'quarantine', input, { agent: 'human:ann' })
    for (let partition = 0; partition < counts[first]!; partition++)
      await until('the quarantine', async () => (await seen(systemScope(partition, counts[first]!), 'agent/rogue')).state === 'quarantined')
    await until('what follows', async () => ((await seen(warehouse, stockName)).data as { left: number }).left === stocked - orders)
    await stop()
  })

  it('has read models', async () => {
    for (const name of models) {
      const built = await projection(first, 'rebuild', name)
      expect(built, built.stderr).toMatchObject({ code: 0 })
    }
    decisionsBefore = await decisionRows(first)
    expect(decisionsBefore.size).toBeGreaterThan(100)
  })

  it('is closed, and carried over while agents go on asking', async () => {
    // Without a process manager, so that what follows from these is still to be asked.
    const log = await openKafkaLog({ brokers, topicPrefix: first })
    const sequencer = await startSequencer({ log, codec, contracts, logger, software: 'test' })
    let isOver = false
    let appended = 0
    const asking = (async () => {
      for (; !isOver; appended++) {
        const scope = scopes[appended % scopes.length]!
        const intent = intentFromJson(asked([{ resource: `order/late-${appended}`, action: 'open', input: { cents: 1 } }], { scope }))
        await log.append(partitionOf(scope, counts[first]!), { key: scope, value: codec.encodeIntent(intent), headers: {} })
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    const moved = await command(first, 'generation', 'move', second, '--reason', 'eight partitions', '--by', 'ann')
    isOver = true
    await asking
    expect(moved, moved.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(moved.stdout)).toMatchObject({
      from: first,
      fromPartitions: 3,
      to: second,
      toPartitions: 8,
      beginsAt: 1_000_000,
      pending: 1,
      deadLetters: 24,
      audit: { clean: true, breaks: 0 },
    })
    let [late, refused] = [0, 0]
    const source = { log, codec, limits: defaultLimits }
    await until('every decision', async () => {
      ;[late, refused] = [0, 0]
      for (let partition = 0; partition < counts[first]!; partition++) {
        for await (const { event } of readEvents(source, partition)) {
          if (event.type === 'IntentRejected' && event.payload.code === 'GENERATION_CLOSED') refused++
          if (event.type === 'IntentCommitted' && event.payload.changes.some(({ resource }) => resource.startsWith('order/late-'))) late++
        }
      }
      return late + refused === appended
    })
    // Decided before, or told where it goes on; and of what was decided, the follow-ups went along.
    expect(late).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(0)
    expect(JSON.parse(moved.stdout).followUps).toBe(late)
    orders += late
    await sequencer.stop()
    await log.close()
    before = await readStates(first)
    const after = await readStates(second)
    expect(resourcesOf(after)).toEqual(resourcesOf(before))
    for (const { coordination, origin } of after) {
      expect([...coordination.quarantines.keys()]).toEqual(['rogue'])
      expect(origin).toEqual({ generation: first, partitions: 3, begins: [0, 1_000_000], isWhole: true })
    }
    expect(after.flatMap(({ coordination }) => [...coordination.pending.all()])).toEqual(
      before.flatMap(({ coordination }) => [...coordination.pending.all()]),
    )
  })

  it('goes on deciding there as if nothing had been', async () => {
    await start(second)
    for (const { decision, intent } of decided.filter(({ decision }) => decision.committed).slice(0, 60)) {
      if (isSystemScope(intent.scope)) continue
      expect(await agent.submit(intent)).toMatchObject({ committed: true, duplicate: true, event: decision.event })
    }
    // Once for each order, whichever log it was opened in.
    await until('what follows', async () => ((await seen(warehouse, stockName)).data as { left: number }).left === stocked - orders)
    expect((await running.gateway.desk.submit(waiting, { waitMs: 500 }))?.pending).not.toBe(null)
    await ask('shop-0', 'stock/other', 'keep', { left: 1 })
    expect(await ask('shop-3', 'reservation/order/2', 'take', { forMs: 1_000 }, { agent: 'rival' })).toMatchObject({ code: 'RESERVED' })
    expect(await ask('shop-3', 'order/x', 'open', { cents: 1 }, { agent: 'rogue' })).toMatchObject({ code: 'AGENT_QUARANTINED' })
    const stale = await ask('shop-4', 'order/3', 'annotate', { note: 'x' })
    expect(stale).toMatchObject({ code: 'VERSION_REQUIRED' })
    const fresh = await ask('shop-5', 'order/fresh', 'open', { cents: 1 })
    expect(fresh.event).toMatch(new RegExp(`^${partitionOf('shop-5', counts[second]!)}/1000\\d{3}/0$`))
    await ask(homeScope('rogue'), 'agent/rogue', 'release', { reason: 'mended' }, { agent: 'human:ann' })
    for (let partition = 0; partition < counts[second]!; partition++)
      await until('the release', async () => (await seen(systemScope(partition, counts[second]!), 'agent/rogue')).state === 'active')
  })

  it('is read, audited and explained there, and says where it was before', async () => {
    const log = await openKafkaLog({ brokers, topicPrefix: second })
    const source = { log, codec, limits: defaultLimits }
    const partition = partitionOf('shop-7', counts[second]!)
    const { end } = await log.offsets('events', partition)
    const { lastChange, ...found } = await resourceAt(source, 'shop-7', 'order/2', { partition, logOffset: end })
    expect(found).toMatchObject({ exists: true, version: 1, state: 'open', data: { cents: 100, note: '' } })
    const opened = decided.find(({ intent }) => intent.scope === 'shop-7' && intent.actions[0]!.resource === 'order/2')!
    expect(lastChange).toMatchObject({ event: opened.decision.event, intentId: opened.intent.intentId, agent: 'clerk' })
    expect((await findDecision(source, waiting.intentId))?.event.type).toBe('IntentPending')
    const { all } = await readDeadLetters(source, { contracts })
    expect(all).toHaveLength(24)
    expect(new Set(all.map(({ standing }) => standing.state))).toEqual(new Set(['open']))
    await log.close()
    const audit = await command(second, 'audit')
    expect(audit, audit.stdout).toMatchObject({ code: 0 })
    const diff = await command(second, 'replay', 'diff', '--chained')
    expect(JSON.parse(diff.stdout), diff.stderr).toMatchObject({ flipped: 0 })
    const file = join(directory, 'moved.jsonl')
    expect(await command(second, 'replay', 'export', file, '--scope', 'shop-7')).toMatchObject({ code: 0 })
    const exported = await command(second, 'resource', 'show', 'shop-7', 'order/2', '--file', file)
    expect(JSON.parse(exported.stdout), exported.stderr).toMatchObject({ lastChange: { event: opened.decision.event } })
    const history = await command(second, 'resource', 'history', 'shop-7', 'order/2')
    expect(JSON.parse(history.stdout)).toMatchObject([{ isCarried: true, event: opened.decision.event }])
    const unknown = await command(second, 'intent', 'show', opened.intent.intentId)
    expect(unknown).toMatchObject({ code: 3, stderr: expect.stringContaining(`KAFKA_TOPIC_PREFIX=${first}`) })
    const shown = await command(first, 'generation', 'show')
    for (const each of JSON.parse(shown.stdout)) expect(each.closed).toMatchObject({ next: second, by: 'human:ann' })
    const said = await command(second, 'generation', 'show', '--output', 'text')
    expect(said.stdout).toContain(`7  open  (carried over from ${first} with 3 partitions; intents began at 1000000)`)
  })

  it('has read models that go on from those before, where that is wanted', async () => {
    const alone = await projection(second, 'rebuild', 'decisions')
    expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('set projector.history') })
    for (const name of models.slice(0, 3)) {
      const built = await projection(second, 'rebuild', name, history)
      expect(built, built.stderr).toMatchObject({ code: 0 })
      const verified = await projection(second, 'verify', name, history)
      expect(JSON.parse(verified.stdout), verified.stderr).toMatchObject({ isClean: true, offsets: { length: 8 + 3 } })
    }
    const after = await decisionRows(second, history)
    expect(after.size).toBeGreaterThan(decisionsBefore.size)
    for (const [key, row] of decisionsBefore) expect(after.get(key)).toEqual(row)
    expect(after.get(`${waiting.intentId}/shop-0`)).toMatchObject({ outcome: 'escalated' })
  })

  it('settles there what was a dead letter before', async () => {
    const url = await running.gateway.server.listen({ host: '127.0.0.1', port: 0 })
    const letters = async (standing: string) =>
      JSON.parse((await command(second, 'dead-letter', 'list', '--ungrouped', '--standing', standing)).stdout) as { id: string }[]
    const open = await letters('open')
    expect(open).toHaveLength(24)
    const flags = ['--yes', '--reason', 'nobody wants it', '--by', 'ann', '--url', url]
    const discarded = await command(second, 'dead-letter', 'discard', open[0]!.id, ...flags)
    expect(discarded, discarded.stderr).toMatchObject({ code: 0 })
    expect((await letters('discarded')).map(({ id }) => id)).toEqual([open[0]!.id])
    const tried = await command(second, 'dead-letter', 'redrive', '--all', '--dry-run', '--url', url)
    expect(tried, tried.stderr).toMatchObject({ code: expect.any(Number), stdout: expect.stringContaining('DEAD_LETTERED') })
  })

  it('is not opened again where the other log is in use, nor moved twice', async () => {
    const reopened = await command(first, 'generation', 'reopen', '--reason', 'x')
    expect(reopened).toMatchObject({ code: 2, stderr: expect.stringContaining('holds records already') })
    const again = await command(first, 'generation', 'move', third, '--reason', 'x')
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining(`to go on as ${second}, not as ${third}`) })
    const onto = await command(second, 'generation', 'move', first, '--reason', 'x')
    expect(onto).toMatchObject({ code: 2, stderr: expect.stringContaining('is not empty') })
  })

  it('can be moved again, to fewer partitions, and what was known at first is still known', async () => {
    const moved = await command(second, 'generation', 'move', third, '--reason', 'two are enough')
    expect(moved, moved.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(moved.stdout)).toMatchObject({ beginsAt: 2_000_000, toPartitions: 2, audit: { clean: true } })
    const closed = await ask('shop-5', 'order/none', 'open', { cents: 1 })
    expect(closed).toMatchObject({ code: 'GENERATION_CLOSED', details: { next: third } })
    await stop()
    await start(third)
    for (const { decision, intent } of decided.filter(({ decision }) => decision.committed)) {
      if (isSystemScope(intent.scope)) continue
      expect(await agent.submit(intent)).toMatchObject({ duplicate: true, event: decision.event })
    }
    expect((await seen(warehouse, stockName)).data).toEqual({ left: stocked - orders })
    expect((await heard(waiting, 500)).pending).not.toBe(null)
    const no = await ask('shop-0', `escalation/${waiting.intentId}`, 'reject', { reason: 'no' }, { agent: 'human:ann' })
    expect(no).toMatchObject({ committed: true })
    expect(await heard(waiting)).toMatchObject({ code: 'ESCALATION_DENIED', duplicate: true })
    const verified = await projection(third, 'rebuild', 'decisions', history)
    expect(verified, verified.stderr).toMatchObject({ code: 0 })
    const row = (await decisionRows(third, history)).get(`${waiting.intentId}/shop-0`)
    expect(row).toMatchObject({ outcome: 'rejected', code: 'ESCALATION_DENIED' })
    for (const name of ['decisions', 'contention']) {
      // The other one is taken up here, over both moves.
      if (name !== 'decisions') expect(await projection(third, 'rebuild', name, history)).toMatchObject({ code: 0 })
      const clean = await projection(third, 'verify', name, history)
      expect(JSON.parse(clean.stdout), clean.stderr).toMatchObject({ isClean: true, offsets: { length: 2 + 8 + 3 } })
    }
  })

  it('is backed up and restored there like any other log', async () => {
    await stop()
    const topicPrefix = `${prefix}-7`
    await createTopics({ brokers, topicPrefix, partitions: counts[third]! })
    const taken = await command(third, 'backup', 'copy')
    expect(taken, taken.stderr).toMatchObject({ code: 0 })
    const restored = await command(topicPrefix, 'restore', 'copy')
    expect(restored, restored.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(restored.stdout)).toMatchObject({ restored: true, audit: { clean: true } })
    expect(resourcesOf(await readStates(topicPrefix))).toEqual(resourcesOf(await readStates(third)))
    await start(topicPrefix)
    expect(await ask('shop-5', 'order/last', 'open', { cents: 1 })).toMatchObject({ committed: true })
  })

  it('is closed by hand, opened again while nothing was carried over, and moved once it is closed', async () => {
    const [from, to] = [`${prefix}-7`, `${prefix}-8`]
    const close = ['generation', 'close', '--next', to, '--reason', 'x', '--by', 'ann']
    expect(await command(from, ...close)).toMatchObject({ code: 0 })
    expect(await ask('shop-1', 'order/none', 'open', { cents: 1 })).toMatchObject({ code: 'GENERATION_CLOSED' })
    const opened = await command(from, 'generation', 'reopen', '--reason', 'not yet')
    expect(opened, opened.stderr).toMatchObject({ code: 0 })
    expect(await ask('shop-1', 'order/more', 'open', { cents: 1 })).toMatchObject({ committed: true })
    await until('what follows', async () => ((await seen(warehouse, stockName)).data as { left: number }).left === stocked - orders)
    expect(await command(from, ...close)).toMatchObject({ code: 0 })
    await createTopics({ brokers, topicPrefix: to, partitions: 3 })
    const moved = await command(from, 'generation', 'move', to, '--reason', 'x')
    expect(moved, moved.stderr).toMatchObject({ code: 0 })
    expect(JSON.parse(moved.stdout)).toMatchObject({ beginsAt: 3_000_000, followUps: 0, audit: { clean: true } })
  })

  it('is not closed where nobody decides, and says so', async () => {
    for (const number of [5, 6]) await createTopics({ brokers, topicPrefix: `${prefix}-${number}`, partitions: 1 })
    const moved = await command(`${prefix}-5`, 'generation', 'move', `${prefix}-6`, '--reason', 'x', '--wait-ms', '1500')
    expect(moved).toMatchObject({ code: 2, stderr: expect.stringContaining('are sequencers running on this log?') })
  })

  it('is not decided by a sequencer that starts before all is carried over', async () => {
    const topicPrefix = `${prefix}-4`
    await createTopics({ brokers, topicPrefix, partitions: 1 })
    const log = await openKafkaLog({ brokers, topicPrefix })
    const writer = await log.open({ partition: 0, generation: 1, signal: new AbortController().signal })
    const half = { from: first, fromPartitions: 3, begins: [0, 1_000], contracts: [], quarantines: [], lastQuarantines: [], links: [] }
    const value = codec.encodeEvent({
      partition: 0,
      offset: -1,
      index: 0,
      time: 1,
      scope: '',
      type: 'PartitionCarried',
      payload: { ...half, codes: [''], ids: '', isLast: false },
    })
    await writer.append({ events: [{ key: 'partition-0', value, headers: {} }], deadLetters: [] })
    await writer.close()
    const early = await startSignalbox({ log, contracts, logger })
    await expect(early.failed).rejects.toMatchObject({ code: 'MISCONFIGURED', message: expect.stringContaining('is not whole') })
    await early.stop()
  })
})

describe('an embedded log', { timeout: 120_000 }, () => {
  it('is closed and opened again by its gateway, partition by partition', async () => {
    const embedded = await openShop()
    const flags = ['--log', 'sqlite', '--data-dir', embedded.directory, '--url', embedded.url, '--by', 'ann']
    const submit = async () => await embedded.signalbox.gateway.desk.submit(intentFromJson(opening()), { waitMs: 10_000 })
    const opening = () => asked([{ resource: `order/${Math.random()}`, action: 'open', input: { cents: 1 } }])
    try {
      const closed = await command('', 'generation', 'close', '--next', 'the cluster', '--reason', 'it grows', ...flags)
      expect(closed, closed.stderr).toMatchObject({ code: 0 })
      expect(await submit()).toMatchObject({ code: 'GENERATION_CLOSED', details: { next: 'the cluster', by: 'human:ann' } })
      expect(await command('', 'generation', 'close', '--next', 'the cluster', '--reason', 'again', ...flags)).toMatchObject({ code: 0 })
      const status = await command('', 'status', ...flags.slice(0, 6))
      for (const each of JSON.parse(status.stdout).partitions) expect(each.closed).toBe('the cluster')
      const opened = await command('', 'generation', 'reopen', '--reason', 'it does not', ...flags)
      expect(opened, opened.stderr).toMatchObject({ code: 0 })
      expect(await submit()).toMatchObject({ committed: true })
    } finally {
      await embedded.close()
    }
  })
})
