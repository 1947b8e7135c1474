/** The audit on a log that is whole, and on logs that each break one promise. */
import { Chain, chainHeader, createCodec, epochHeader, sha256 } from '@signalbox/codec'
import { contractRecords, contractSet, defaultContainment, defaultLimits, type Event, intentFromJson } from '@signalbox/contract'
import { preparedContracts, type Rules } from '@signalbox/core'
import type { LogRecord, RecordToAppend } from '@signalbox/log'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { type AuditCheck, auditPartition, type PartitionAudit } from '@signalbox/replay'
import { startSequencer } from '@signalbox/sequencer'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { intent, order, stock } from '../support/shop.ts'

const codec = createCodec({ limits: defaultLimits })
const contracts = contractSet([order, stock])
const rules: Rules = {
  contracts: preparedContracts(contracts),
  limits: defaultLimits,
  containment: defaultContainment,
  partitionCount: 1,
  agents: null,
  sha256,
}
const logger = { info() {}, warn() {}, error() {} } as never
const wait = { timeout: 20_000, interval: 10 }

interface Recorded {
  readonly intents: readonly LogRecord[]
  readonly events: readonly LogRecord[]
  readonly snapshots: MemoryLogStore['snapshots']
}

let recorded: Recorded

async function records(store: MemoryLogStore, topic: 'intents' | 'events'): Promise<readonly LogRecord[]> {
  const log = createMemoryLog({ store })
  const cursor = await log.cursor({ topic, partition: 0, fromOffset: 0 })
  const found = await cursor.next({ maxRecords: 10_000, maxBytes: 100_000_000, waitMs: 0 })
  await log.close()
  return found
}

/** Two owners, commits and rejects, a dead letter, a duplicate, a snapshot. */
async function record(): Promise<Recorded> {
  const store = new MemoryLogStore({ partitionCount: 1 })
  const names = Array.from({ length: 40 }, (_, index) => `order/${index}`)
  const asked = names.flatMap((resource, index) => [
    intent([{ resource, action: 'open', input: { cents: 100 } }]),
    intent([{ resource, action: 'pay', expectedVersion: index % 3 === 0 ? 7 : 1 }], { agent: 'cashier' }),
  ])
  asked.push(intent([{ resource: 'order/0', action: 'break' }]))
  asked.push(asked[0]!)
  const values = [...asked.map((each) => codec.encodeIntent(intentFromJson(each))), Buffer.from('no intent at all')]
  const half = values.length / 2
  for (const part of [values.slice(0, half), values.slice(half)]) {
    const [owner, standby] = [createMemoryLog({ store, process: 'owner' }), createMemoryLog({ store, process: 'standby' })]
    const common = { codec, contracts, logger, software: 'test', bounds: { snapshotEvents: 20, firstBatchRecords: 5, batchRecords: 5 } }
    const sequencer = await startSequencer({ ...common, log: owner, standby: true })
    const other = await startSequencer({ ...common, log: standby, standby: true })
    for (const value of part) await owner.append(0, { key: 'shop-1', value, headers: {} })
    const end = store.topic('intents', 0).offsets.end
    await vi.waitUntil(() => [sequencer, other].some((each) => each.state(0)?.nextOffset === end), wait)
    await vi.waitUntil(() => store.snapshots.size === 1, wait)
    await Promise.all([sequencer.stop(), other.stop()])
    await Promise.all([owner.close(), standby.close()])
  }
  return { intents: await records(store, 'intents'), events: await records(store, 'events'), snapshots: store.snapshots }
}

interface Changes {
  readonly intents?: (intents: readonly LogRecord[]) => readonly LogRecord[]
  readonly events?: (events: readonly LogRecord[]) => readonly LogRecord[]
  /** Whether links and epochs are made anew, so that they fit what was changed. */
  readonly rechained?: boolean
  readonly snapshots?: MemoryLogStore['snapshots']
}

const plain = ({ headers, key, value }: LogRecord): RecordToAppend => ({ key: key ?? 'shop-1', value: value!, headers })

async function audit(changes: Changes = {}): Promise<PartitionAudit> {
  const store = new MemoryLogStore({ partitionCount: 1 })
  let now = 0
  const log = createMemoryLog({ store, clock: { nowMs: () => now, sleep: async () => {} } })
  for (const each of changes.intents?.(recorded.intents) ?? recorded.intents) {
    now = each.timestampMs
    await log.append(0, plain(each))
  }
  const writer = await log.open({ partition: 0, generation: 1, signal: new AbortController().signal })
  const events = changes.events?.(recorded.events) ?? recorded.events
  const written = changes.rechained === true ? rechain(events) : events.map(plain)
  for (const event of written) await writer.append({ events: [event], deadLetters: [] })
  for (const [partition, snapshot] of changes.snapshots ?? recorded.snapshots) store.snapshots.set(partition, snapshot)
  const options = { log, codec, snapshots: log.snapshots, rules, contracts: contractRecords(contracts, sha256) }
  const audited = await auditPartition(options, 0)
  await log.close()
  return audited
}

/** A forger who knows the format: links and epochs fit again. */
function rechain(events: readonly LogRecord[]): RecordToAppend[] {
  const chain = new Chain()
  let epoch = 0
  return events.map((record, offset) => {
    const { [chainHeader]: link, [epochHeader]: _epoch, ...headers } = record.headers
    chain.add(record.value!)
    if (typeOf(record) === 'PartitionOpened') {
      epoch = offset
      return { ...plain(record), headers }
    }
    return {
      ...plain(record),
      headers: { ...headers, [epochHeader]: `${epoch}`, ...(link === undefined ? {} : { [chainHeader]: chain.close() }) },
    }
  })
}

const eventOf = ({ value }: LogRecord): Event => codec.decodeEvent(value!)
const typeOf = (record: LogRecord) => eventOf(record).type
const without = (index: number) => (list: readonly LogRecord[]) => list.toSpliced(index, 1)
const checksOf = ({ findings }: PartitionAudit) => findings.map(({ check }) => check)

/** The place of the last commit, whose going or changing alters no later decision. */
const lastCommit = () => recorded.events.findLastIndex((each) => typeOf(each) === 'IntentCommitted')
const changed = (index: number, change: (event: Event) => Event) => (list: readonly LogRecord[]) =>
  list.with(index, { ...list[index]!, value: codec.encodeEvent(change(eventOf(list[index]!))) })

beforeAll(async () => {
  recorded = await record()
}, 60_000)

describe('the audit', () => {
  it('finds nothing in a log that is whole, and says what it looked at', async () => {
    const audited = await audit()
    expect(audited.findings).toEqual([])
    expect(audited).toMatchObject({
      decisions: recorded.intents.length,
      decidedAgain: recorded.intents.length,
      notDecidedAgain: 0,
      undecided: 0,
    })
    expect(audited.snapshotPosition).toBeGreaterThan(0)
    expect(new Set(recorded.events.map(typeOf))).toEqual(
      new Set(['PartitionOpened', 'IntentCommitted', 'IntentRejected', 'IntentDuplicated']),
    )
  })

  it('counts what has no decision yet, which is no break', async () => {
    const later = { ...recorded.intents.at(-1)!, offset: recorded.intents.length }
    expect(await audit({ intents: (list) => [...list, later] })).toMatchObject({ undecided: 1, findings: [] })
  })

  it('does not decide again by contracts that did not decide', async () => {
    const opened = recorded.events.findIndex((each) => typeOf(each) === 'PartitionOpened')
    const events = changed(opened, (event) => {
      if (event.type !== 'PartitionOpened') throw new Error('not an opening')
      return { ...event, payload: { ...event.payload, contracts: event.payload.contracts.map((each) => ({ ...each, digest: 'other' })) } }
    })
    const audited = await audit({ events, rechained: true })
    expect(audited.findings).toEqual([])
    expect(audited.notDecidedAgain).toBeGreaterThan(0)
    expect(audited.decidedAgain).toBeLessThan(recorded.intents.length)
  })

  const breaks: Readonly<
    Record<string, { readonly changes: () => Changes; readonly finds: readonly AuditCheck[]; readonly alone?: boolean }>
  > = {
    'a decision that is lost': { changes: () => ({ events: without(lastCommit()), rechained: true }), finds: ['decided'] },
    'a decision that is there twice': {
      changes: () => ({ events: (list) => list.toSpliced(lastCommit(), 0, list[lastCommit()]!), rechained: true }),
      finds: ['decided', 'order'],
    },
    'decisions that changed places': {
      changes: () => ({ events: (list) => list.with(5, list[6]!).with(6, list[5]!), rechained: true }),
      finds: ['decided', 'order'],
    },
    'a decision that is not what the contracts say': {
      changes: () => ({
        events: changed(lastCommit(), (event) => ({ ...event, time: event.time + 1 })),
        rechained: true,
      }),
      finds: ['decided again'],
    },
    'an event that was changed': {
      changes: () => ({ events: changed(lastCommit(), (event) => ({ ...event, time: event.time + 1 })) }),
      finds: ['chain', 'decided again'],
    },
    'an owner who went on writing': {
      changes: () => ({
        events: (list) =>
          list.map((each, index) => (index === list.length - 1 ? { ...each, headers: { ...each.headers, [epochHeader]: '0' } } : each)),
      }),
      finds: ['epochs'],
      alone: true,
    },
    'an event that is no event': {
      changes: () => ({ events: (list) => list.with(lastCommit(), { ...list[lastCommit()]!, value: Buffer.from('nothing') }) }),
      finds: ['chain', 'readable', 'decided'],
    },
    'a decision about an intent that is not there': {
      changes: () => ({ intents: (list) => list.slice(0, -1) }),
      finds: ['decided'],
      alone: true,
    },
    'a snapshot that says something else': {
      changes: () => {
        const [[partition, snapshot]] = [...recorded.snapshots] as [[number, NonNullable<ReturnType<typeof recorded.snapshots.get>>]]
        const chunks = snapshot.chunks.map((chunk) => Buffer.from(Buffer.from(chunk).toString().replaceAll('"open"', '"paid"')))
        const digests = chunks.map((chunk) => sha256(chunk.toString()))
        const manifest = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(snapshot.manifest).toString()), chunks: digests }))
        return { snapshots: new Map([[partition, { ...snapshot, chunks, manifest }]]) }
      },
      finds: ['snapshot'],
      alone: true,
    },
  }

  it.each(Object.entries(breaks))('finds %s', async (_what, { alone, changes, finds }) => {
    const audited = await audit(changes())
    for (const check of finds) expect(checksOf(audited), JSON.stringify(audited.findings, null, 2)).toContain(check)
    // What is computed from a state that lacks an event differs too; these lack none.
    if (alone === true) expect(checksOf(audited)).toEqual(finds)
  })
})
