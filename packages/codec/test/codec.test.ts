import { readFileSync } from 'node:fs'
import { defaultLimits, type Event, type Intent, intentFromJson } from '@signalbox/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprint } from '../src/fingerprint.ts'
import {
  Chain,
  ChainError,
  canonicalForm,
  confluentFraming,
  createCodec,
  eventType,
  intentType,
  type SchemaRegistry,
  singleObjectFraming,
  UndecodableError,
  UnknownSchemaError,
} from '../src/index.ts'
import { earlierTypes } from '../src/types.ts'

const codec = createCodec({ limits: defaultLimits })
const utf8 = (text: string) => new TextEncoder().encode(text)
const plain = {
  intentId: '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
  scope: 'city',
  agent: 'agency-9',
  actions: [{ resource: 'night/1', action: 'book', input: { stay: '4', at: 1 } }],
}
const intent = intentFromJson(plain)
const event: Event = {
  partition: 3,
  offset: 41_822,
  index: 0,
  time: 1_700_000_000_000,
  scope: 'city',
  type: 'IntentRejected',
  payload: {
    intentId: intent.intentId,
    agent: 'agency-9',
    intent: '{}',
    digest: 'x',
    code: 'STALE_READ',
    message: 'm',
    owner: { team: 't', contact: 'c' },
    resource: 'night/1',
    expectedVersion: 1,
    actualVersion: 2,
    movedBy: { event: { partition: 3, offset: 7, index: 0 }, intentId: 'i', agent: 'a', action: 'book', version: 2, time: 5 },
    missed: [],
    retryAfterMs: null,
    details: '{}',
    settles: null,
  },
}

describe('intents', () => {
  it('come out of Avro as they went in', () => {
    expect({ ...codec.decodeIntent(codec.encodeIntent(intent)) }).toEqual(intent)
  })

  it('come out of plain JSON as the same record, inputs in canonical form', () => {
    expect(codec.decodeIntent(utf8(JSON.stringify(plain)))).toEqual(intent)
    expect(intent.actions[0]!.input).toBe('{"at":1,"stay":"4"}')
    expect(intent.correlationId).toBe(intent.intentId)
  })

  it('an Avro input that is not canonical is made so', () => {
    const loose: Intent = { ...intent, actions: [{ ...intent.actions[0]!, input: '{ "stay": "4", "at": 1.0 }' }] }
    expect(codec.decodeIntent(codec.encodeIntent(loose)).actions[0]!.input).toBe('{"at":1,"stay":"4"}')
  })

  const badInput = (input: string): Uint8Array => codec.encodeIntent({ ...intent, actions: [{ ...intent.actions[0]!, input }] })
  const avro = codec.encodeIntent(intent)
  it.each<[string, Uint8Array | null, string]>([
    ['nothing', null, 'the record is empty'],
    ['empty bytes', new Uint8Array(), 'the record is empty'],
    ['random bytes', Uint8Array.of(1, 2, 3), 'neither plain JSON (first byte {) nor Avro'],
    ['truncated Avro', avro.slice(0, -3), 'ends too early'],
    ['truncated to the fingerprint', avro.slice(0, 6), 'neither plain JSON'],
    ['Avro with a tail', Uint8Array.of(...avro, 0), '1 bytes follow the Avro body'],
    ['Avro of another schema', Uint8Array.of(0xc3, 1, 9, 9, 9, 9, 9, 9, 9, 9, 0), 'the fingerprint names a schema other than'],
    ['oversized', utf8(`{"note":"${'x'.repeat(256 * 1024)}"}`), 'more than the 262144 of the limit'],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'not UTF-8'],
    ['truncated JSON', utf8('{"intentId":"x"'), 'is no JSON'],
    ['a duplicate key', utf8('{"scope":"a","scope":"b"}'), 'scope appears twice'],
    ['__proto__', utf8('{"__proto__":{}}'), '__proto__ is a key that Signalbox refuses'],
    ['10,000-deep nesting', utf8(`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`), 'nests deeper than'],
    ['a number past 2^53', utf8(JSON.stringify(plain).replace('"at":1', '"at":9007199254740993')), 'beyond 2^53 - 1'],
    ['NaN', utf8('{"confidence":NaN}'), 'is no JSON'],
    ['an unknown field', utf8(JSON.stringify({ ...plain, hurry: true })), 'hurry'],
    ['a missing field', utf8('{"scope":"a"}'), 'intentId does not fit an intent'],
    ['a wrong type', utf8(JSON.stringify({ ...plain, actions: 'all' })), 'actions does not fit an intent'],
    ['an Avro input that is no JSON', badInput('{"a":'), 'actions[0].input is no JSON'],
    ['an Avro input that is no object', badInput('[1]'), 'actions[0].input is no JSON object'],
    ['an Avro input with a duplicate key', badInput('{"a":1,"a":1}'), 'actions[0].input.a appears twice'],
    ['an Avro input with a number past 2^53', badInput('{"a":9007199254740993}'), 'actions[0].input.a is a number beyond'],
  ])('%s is undecodable, with a sentence', (_name, bytes, problem) => {
    expect(() => codec.decodeIntent(bytes)).toThrow(UndecodableError)
    expect(() => codec.decodeIntent(bytes)).toThrow(problem)
  })

  it('any bytes are decoded or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, framed) => {
        try {
          codec.decodeIntent(framed ? Uint8Array.of(...avro.slice(0, 10), ...bytes) : bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(UndecodableError)
        }
      }),
    )
  })

  it('a large record does not spoil the next', () => {
    const large = intentFromJson({ ...plain, note: 'x'.repeat(100_000) })
    expect(codec.decodeIntent(codec.encodeIntent(large)).note).toHaveLength(100_000)
    expect(codec.decodeIntent(codec.encodeIntent(intent)).note).toBeNull()
  })
})

describe('events', () => {
  it('come out as they went in, every kind of them', () => {
    const reference = { partition: 0, offset: 1, index: 0 }
    const events: Event[] = [
      event,
      {
        ...event,
        type: 'IntentCommitted',
        payload: {
          intentId: 'i',
          agent: 'a',
          intent: '{}',
          digest: 'd',
          changes: [
            {
              resource: 'n/1',
              action: 'x',
              contractVersion: 1,
              fromVersion: 0,
              version: 1,
              fromState: null,
              state: 's',
              data: '{}',
              timer: { due: 5, action: 'x' },
              fields: ['a'],
            },
          ],
          settles: { partition: 3, offset: 7, index: 1 },
          verdict: 'escalation/e',
          amount: 12,
        },
      },
      {
        ...event,
        type: 'IntentDuplicated',
        payload: { intentId: 'i', agent: 'a', digest: 'd', decision: reference, outcome: 'rejected', code: 'X' },
      },
      { ...event, offset: -1, type: 'PartitionOpened', payload: { contracts: [{ type: 't', version: 1, digest: 'd' }], software: 's' } },
    ]
    for (const each of events) expect(codec.decodeEvent(codec.encodeEvent(each))).toEqual(each)
  })

  it('say so when type and payload do not fit', () => {
    const wrong = { ...event, type: 'IntentCommitted' } as unknown as Event
    expect(() => codec.encodeEvent(wrong)).toThrow()
  })
})

describe('single-object encoding', () => {
  // Avro specification 1.12: the CRC-64-AVRO of "null" is 63dd24e7cc258f8a, little-endian on the wire.
  it('has the fingerprint of the specification', () => {
    expect(Buffer.from(fingerprint('"null"')).toString('hex')).toBe('8a8f25cce724dd63')
  })

  it('starts with C3 01', () => {
    expect([...singleObjectFraming().prefix('Event').slice(0, 2)]).toEqual([0xc3, 0x01])
  })
})

describe('schemas that changed', () => {
  const hex = (form: string) => Buffer.from(fingerprint(form)).toString('hex')
  const known = JSON.parse(readFileSync(new URL('../../../schemas/fingerprints.json', import.meta.url), 'utf8')) as Record<string, string[]>

  it('each is known by its fingerprint, and those of before are kept', () => {
    for (const type of [eventType, intentType])
      expect(hex(canonicalForm(type)), `add it to schemas/fingerprints.json, and keep the schema of before (schemas/README.md)`).toBe(
        known[type.name]!.at(-1),
      )
    const kept = earlierTypes().map(({ canonicalForm: form, name }) => `${name} ${hex(form)}`)
    const expected = Object.entries(known).flatMap(([name, all]) => all.slice(0, -1).map((each) => `${name} ${each}`))
    expect(kept.sort()).toEqual(expected.sort())
  })

  it('what was written by an earlier one is read as if it had been written now', async () => {
    const { default: avsc } = await import('avsc')
    const schema = JSON.parse(readFileSync(new URL('../../../schemas/earlier/Event.1.avsc', import.meta.url), 'utf8'))
    const earlier = avsc.Type.forSchema(schema, { wrapUnions: 'auto' })
    const body = earlier.toBuffer({ ...event, payload: { [`signalbox.v1.${event.type}`]: event.payload } })
    const prefix = Uint8Array.of(0xc3, 0x01, ...fingerprint(JSON.stringify(earlier.schema())))
    expect(codec.decodeEvent(Buffer.concat([prefix, body]))).toEqual(event)
    expect(() => codec.decodeIntent(Buffer.concat([prefix, body]))).toThrow('a schema other than signalbox.v1.Intent')
    expect(() => codec.decodeEvent(Buffer.concat([prefix, body.subarray(0, 40)]))).toThrow(UndecodableError)
  })
})

describe('Confluent framing', () => {
  const older = JSON.parse(intentType.schemaText)
  older.fields = older.fields.filter(({ name }: { name: string }) => name !== 'note')
  const texts = new Map([
    [1, intentType.schemaText],
    [2, eventType.schemaText],
    [7, JSON.stringify(older)],
    [8, '"string"'],
  ])
  const registry: SchemaRegistry = { ids: { Intent: 1, Event: 2 }, schema: async (id) => texts.get(id) ?? null }
  const framed = createCodec({ limits: defaultLimits, framing: confluentFraming(registry) })
  const withId = (id: number) => {
    const bytes = framed.encodeIntent(intent)
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(1, id)
    return bytes
  }

  it('carries the id of the schema', () => {
    expect([...framed.encodeIntent(intent).slice(0, 5)]).toEqual([0, 0, 0, 0, 1])
    expect({ ...framed.decodeIntent(framed.encodeIntent(intent)) }).toEqual(intent)
    expect(framed.decodeEvent(framed.encodeEvent(event))).toEqual(event)
  })

  it('an id that is not known yet is no fault of the record: learnt, it decodes', async () => {
    const { note: _note, ...withoutNote } = intent
    const avsc = await import('avsc')
    const body = avsc.default.Type.forSchema(older, { wrapUnions: 'auto' }).toBuffer(withoutNote)
    const bytes = Uint8Array.of(0, 0, 0, 0, 7, ...body)
    expect(() => framed.decodeIntent(bytes)).toThrow(UnknownSchemaError)
    await framed.framing.learn(7)
    expect({ ...framed.decodeIntent(bytes) }).toEqual(intent)
  })

  it('reads what was written before there was a registry; without one, says what is missing', () => {
    expect({ ...framed.decodeIntent(codec.encodeIntent(intent)) }).toEqual(intent)
    expect(framed.decodeEvent(codec.encodeEvent(event))).toEqual(event)
    expect(() => codec.decodeIntent(framed.encodeIntent(intent))).toThrow('set SCHEMA_REGISTRY_URL')
  })

  it('a writer without inputs means empty ones', async () => {
    const schema = JSON.parse(intentType.schemaText)
    const actions = schema.fields.find(({ name }: { name: string }) => name === 'actions').type.items
    actions.fields = actions.fields.filter(({ name }: { name: string }) => name !== 'input')
    texts.set(9, JSON.stringify(schema))
    const avsc = await import('avsc')
    const withoutInput = { ...intent, actions: intent.actions.map(({ input: _input, ...action }) => action) }
    const body = avsc.default.Type.forSchema(schema, { wrapUnions: 'auto' }).toBuffer(withoutInput)
    await framed.framing.learn(9)
    expect(framed.decodeIntent(Uint8Array.of(0, 0, 0, 0, 9, ...body)).actions[0]!.input).toBe('{}')
  })

  it('forgets the oldest of many ids, never its own, and asks again', async () => {
    await framed.framing.learn(7)
    for (let id = 10_000; id < 30_000; id++) await framed.framing.learn(id)
    expect(() => framed.decodeIntent(withId(10_000))).toThrow('has no schema 10000')
    await framed.framing.learn(30_000)
    expect(() => framed.decodeIntent(withId(10_000))).toThrow(UnknownSchemaError)
    expect(() => framed.decodeIntent(withId(29_999))).toThrow('has no schema 29999')
    expect({ ...framed.decodeIntent(framed.encodeIntent(intent)) }).toEqual(intent)
  })

  it('an id that the registry does not have, or a schema that does not fit, is undecodable', async () => {
    await framed.framing.learn(99)
    expect(() => framed.decodeIntent(withId(99))).toThrow('the schema registry has no schema 99')
    await framed.framing.learn(8)
    expect(() => framed.decodeIntent(withId(8))).toThrow('schema 8 of the registry cannot be read as signalbox.v1.Intent')
  })
})

describe('the chain', () => {
  const values = ['a', 'b', 'c', 'd'].map(utf8)

  /** Four events in two batches, as a log holds them. */
  function written(): { value: Uint8Array; link: string | undefined }[] {
    const chain = new Chain()
    return values.map((value, index) => {
      chain.add(value)
      return { value, link: index % 2 === 1 ? chain.close() : undefined }
    })
  }

  function verify(records: readonly { value: Uint8Array; link: string | undefined }[]): void {
    const chain = new Chain()
    for (const [index, { link, value }] of records.entries()) chain.verify(value, link, `event ${index}`)
  }

  it('fits what was written', () => expect(() => verify(written())).not.toThrow())

  it.each<[string, (records: ReturnType<typeof written>) => void]>([
    [
      'changed',
      (records) => {
        records[0]!.value = utf8('x')
      },
    ],
    [
      'lost',
      (records) => {
        records.splice(1, 1)
      },
    ],
    [
      'doubled',
      (records) => {
        records.splice(0, 0, records[0]!)
      },
    ],
    [
      'swapped',
      (records) => {
        records.reverse()
      },
    ],
    [
      'moved between two events',
      (records) => {
        records[0]!.value = utf8('ab')
        records[1]!.value = utf8('')
      },
    ],
  ])('breaks where an event was %s', (_name, damage) => {
    const records = written()
    damage(records)
    expect(() => verify(records)).toThrow(ChainError)
  })
})
