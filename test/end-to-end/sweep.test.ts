/**
 * Every field of an intent, with values at its bounds, beyond them and of another kind: over HTTP, as plain JSON and as Avro on a real
 * topic. None may be answered above 4xx, each record gets exactly one decision, and whoever decides lives on.
 */
import { createCodec, intentType } from '@signalbox/codec'
import {
  bounds,
  contractSet,
  defaultLimits,
  formatEventReference,
  type Intent,
  type IntentJson,
  intentFromJson,
  intentJson,
  isOwnEvent,
  lengths,
  type NumberBound,
} from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import type { Log } from '@signalbox/log'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { type Sequencer, startSequencer } from '@signalbox/sequencer'
import avro from 'avsc'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { intent, openShop, order, type Shop, stock } from '../support/shop.ts'

const codec = createCodec({ limits: defaultLimits })

/** JSON texts of what may stand in a field of no kind in particular. */
const ofAnyKind = ['null', 'true', '0', '-1', '1.5', '1e400', '-1e400', '""', '" "', '[]', '{}', '[null]', '{"__proto__":1}', '"\\ud800"']

function numbers({ least, most }: NumberBound): readonly number[] {
  const edges = [least, most].flatMap((edge) => [edge - 1, edge, edge + 1])
  return [...edges, 0.5, -0.5, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 2 ** 63, -(2 ** 63), 1e308, 5e-324]
}

function texts(most: number): readonly string[] {
  const signs = ['\u0000', '\u0007', '\u001b[31m', '\u00a0', '\u200b', '\u202e', '\ufeff', '\ufffd', 'e\u0301', 'é', '😀', '"', '\\']
  const plain = ['', ' ', 'a', 'a b', ' a', 'a ', 'a/b', '/a', 'a/', '__proto__', 'constructor', 'human:', '..', '%00', '$x', "'"]
  return [
    ...plain,
    ...signs.map((sign) => `a${sign}b`),
    'x'.repeat(most),
    'x'.repeat(most + 1),
    `stock/${'x'.repeat(most)}`,
    'é'.repeat(most),
  ]
}

type Path = readonly (string | number)[]
const numberFields: readonly (readonly [Path, NumberBound])[] = [
  [['deadline'], bounds.timeMs],
  [['priority'], bounds.priority],
  [['confidence'], bounds.confidence],
  [['causationDepth'], bounds.depth],
  [['actions', 0, 'expectedVersion'], bounds.version],
  [['reads', 0, 'version'], bounds.version],
]
const textFields: readonly (readonly [Path, number])[] = [
  [['intentId'], lengths.intentId],
  [['scope'], lengths.scope],
  [['agent'], lengths.agent],
  [['actions', 0, 'resource'], lengths.resource],
  [['actions', 0, 'action'], lengths.action],
  [['reads', 0, 'resource'], lengths.resource],
  [['correlationId'], lengths.traceId],
  [['causationId'], lengths.traceId],
  [['reservation'], lengths.traceId],
  [['note'], defaultLimits.noteLength],
  [['signature'], lengths.signature],
]
const otherFields: readonly Path[] = [
  ['onConflict'],
  ['actions'],
  ['reads'],
  ['actions', 0],
  ['reads', 0],
  ['actions', 0, 'input'],
  ['unknown'],
]

interface Case {
  readonly name: string
  /** The JSON text. */
  readonly text: string
}

function whole(): IntentJson {
  return intent([{ resource: 'order/s', action: 'open', input: { cents: 5 } }], { reads: [{ resource: 'note/x', version: 0 }] })
}

/** An intent with one field that is `value`, a JSON text. */
function withField(path: Path, value: string): Case {
  const made = whole() as unknown as Record<string | number, unknown>
  let part = made
  for (const key of path.slice(0, -1)) part = part[key] as typeof made
  part[path.at(-1)!] = '@'
  return { name: `${path.join('.')} ${value.slice(0, 60)}`, text: JSON.stringify(made).replace('"@"', () => value) }
}

const cases: readonly Case[] = [
  ...numberFields.flatMap(([path, bound]) =>
    [...numbers(bound).map((value) => JSON.stringify(value)), ...ofAnyKind].map((value) => withField(path, value)),
  ),
  ...textFields.flatMap(([path, most]) =>
    [...texts(most).map((value) => JSON.stringify(value)), ...ofAnyKind].map((value) => withField(path, value)),
  ),
  ...otherFields.flatMap((path) =>
    [...ofAnyKind, '"reject"', '"sometimes"', '{"cents":9007199254740992}'].map((value) => withField(path, value)),
  ),
  withField(['actions'], `[${Array.from({ length: 257 }, (_, n) => `{"resource":"order/${n}","action":"open"}`).join(',')}]`),
  withField(['reads'], `[${Array.from({ length: 257 }, (_, n) => `{"resource":"order/${n}","version":0}`).join(',')}]`),
  withField(['actions', 0, 'input'], `{"a":${'['.repeat(70)}${']'.repeat(70)}}`),
  withField(['actions', 0, 'input'], `{"a":"${'x'.repeat(70_000)}"}`),
]

it('knows every field', () => {
  const known = [...numberFields, ...textFields].map(([path]) => path[0]).concat(otherFields.map((path) => path[0]))
  expect(Object.keys(intentJson.shape).filter((name) => !known.includes(name))).toEqual([])
})

describe('over HTTP', () => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop()
  })
  afterAll(async () => await shop.close())

  it('each is refused, or decided', async () => {
    const statuses = new Map<number, number>()
    for (const { name, text } of cases) {
      for (const address of ['/v1/intents?waitMs=5000', '/v1/intents/dry-run']) {
        const answer = await fetch(`${shop.url}${address}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text })
        const body = (await answer.json()) as { code?: string; message?: string; committed?: boolean }
        expect([200, 202, 400, 413], `${address} ${name}: ${JSON.stringify(body)}`).toContain(answer.status)
        if (answer.status !== 200) expect(body.message ?? body, name).toBeTruthy()
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      }
    }
    // Not everything is refused at the door, or nothing was tried.
    expect(statuses.get(200)).toBeGreaterThan(100)
    expect(statuses.get(400)).toBeGreaterThan(100)
    const good = await fetch(`${shop.url}/v1/intents`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(intent([{ resource: 'order/after', action: 'open', input: { cents: 5 } }])),
    })
    expect(await good.json()).toMatchObject({ committed: true })
  }, 120_000)
})

describe('on a topic', () => {
  let log: Log
  let sequencer: Sequencer
  const lost: Error[] = []
  beforeAll(async () => {
    const brokers = process.env.KAFKA_BROKERS!
    const topicPrefix = `sweep-${process.pid}-${Date.now()}`
    await createTopics({ brokers, topicPrefix, partitions: 1 })
    log = await openKafkaLog({ brokers, topicPrefix })
    const logger = { info() {}, warn() {}, error: (_: object, text: string) => void lost.push(new Error(text)) } as never
    sequencer = await startSequencer({ log, codec, contracts: contractSet([order, stock]), logger, software: 'test' })
  })
  afterAll(async () => {
    await sequencer.stop()
    await log.close()
  })

  /** Appends each record and says which of them have not exactly one decision. */
  async function sweep(records: readonly { readonly name: string; readonly value: Uint8Array }[]): Promise<readonly string[]> {
    const after = codec.encodeIntent(intentFromJson(intent([{ resource: `order/${records.length}`, action: 'open', input: { cents: 5 } }])))
    const positions = new Map<string, string>()
    for (const { name, value } of [...records, { name: 'a good one', value: after }]) {
      const { offset } = await log.append(0, { key: 'shop-1', value, headers: {} })
      positions.set(`${offset}`, name)
    }
    const last = [...positions.keys()].at(-1)!
    const decisions = new Map<string, string[]>()
    await vi.waitUntil(
      async () => {
        decisions.clear()
        for await (const { event } of readEvents({ log, codec }, 0))
          if (isOwnEvent(event))
            decisions.set(`${event.offset}`, [...(decisions.get(`${event.offset}`) ?? []), formatEventReference(event)])
        return decisions.has(last) || lost.length > 0
      },
      { timeout: 60_000, interval: 100 },
    )
    expect(lost).toEqual([])
    return [...positions].filter(([offset]) => decisions.get(offset)?.length !== 1).map(([, name]) => name)
  }

  it('as plain JSON, each gets exactly one decision', async () => {
    expect(await sweep(cases.map(({ name, text }) => ({ name, value: Buffer.from(text) })))).toEqual([])
  }, 120_000)

  it('as plain JSON in bytes that are no UTF-8, with a byte order mark, and cut off', async () => {
    const text = JSON.stringify(whole())
    const broken = [
      Buffer.from(text.replace('clerk', 'cl\u00e9rk'), 'latin1'),
      Buffer.from(`\ufeff${text}`),
      ...Array.from({ length: 12 }, (_, part) => Buffer.from(text.slice(0, Math.floor((part * text.length) / 12)))),
    ]
    expect(await sweep(broken.map((value, index) => ({ name: `bytes ${index}`, value })))).toEqual([])
  })

  it('as Avro, each gets exactly one decision', async () => {
    // Longs as BigInt, so that values can be written which no double holds.
    const long = avro.types.LongType.__with({
      fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
      toBuffer(value: bigint) {
        const buffer = Buffer.alloc(8)
        buffer.writeBigInt64LE(BigInt(value))
        return buffer
      },
      fromJSON: BigInt,
      toJSON: Number,
      isValid: (value: unknown) => typeof value === 'bigint' || Number.isInteger(value),
      compare: (one: bigint, other: bigint) => (one === other ? 0 : one < other ? -1 : 1),
    } as never)
    const schema = JSON.parse(intentType.schemaText) as avro.Schema
    const type = avro.Type.forSchema(schema, { registry: { long } as never, wrapUnions: 'auto', omitRecordMethods: true })
    const prefix = codec.framing.prefix('Intent')
    const encode = (value: object): Uint8Array => Buffer.concat([prefix, type.toBuffer(value)])
    const base = (): Record<string | number, unknown> => ({ ...intentFromJson(whole()), ...bigs(intentFromJson(whole())) })
    const records: { name: string; value: Uint8Array }[] = []
    const add = (path: Path, value: unknown) => {
      const made = base()
      let part = made
      for (const key of path.slice(0, -1)) part = part[key] as typeof made
      part[path.at(-1)!] = value
      records.push({ name: `${path.join('.')} ${String(value).slice(0, 40)}`, value: encode(made) })
    }
    for (const [path, { least, most }] of numberFields) {
      const edges = [least - 1, least, most, most + 1]
      const name = path.at(-1)
      if (name === 'confidence') for (const value of [...edges, Number.NaN, Infinity, -Infinity, -0, 5e-324]) add(path, value)
      else if (name === 'priority' || name === 'causationDepth') for (const value of [...edges, 2 ** 31 - 1, -(2 ** 31)]) add(path, value)
      else for (const value of [...edges.map(BigInt), 2n ** 53n, -(2n ** 53n), 2n ** 62n, -(2n ** 63n), 2n ** 63n - 1n]) add(path, value)
    }
    for (const [path, most] of textFields) for (const value of texts(most)) add(path, value)
    for (const input of ['', 'null', '[]', '1', '{"a":1e400}', '{"a":1,"a":2}', '{"__proto__":1}', '{"a":"\\u0000"}', '{', '{"cents":5}'])
      add(['actions', 0, 'input'], input)
    add(['actions'], [])
    expect(await sweep(records)).toEqual([])
    // Bytes that begin like an intent and are none.
    const good = encode(base())
    const broken = Array.from({ length: 60 }, (_, at) => {
      const bytes = Uint8Array.from(good)
      bytes[10 + at * Math.floor((good.length - 12) / 60)]! ^= 0xff
      return { name: `broken at ${at}`, value: bytes }
    })
    expect(await sweep(broken)).toEqual([])
  }, 120_000)
})

function bigs({ deadline, reads, actions }: Intent): object {
  return {
    deadline: deadline === null ? null : BigInt(deadline),
    reads: reads.map((read) => ({ ...read, version: BigInt(read.version) })),
    actions: actions.map((action) => ({
      ...action,
      expectedVersion: action.expectedVersion === null ? null : BigInt(action.expectedVersion),
    })),
  }
}
