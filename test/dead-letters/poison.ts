/** Records that no sequencer can take, of every kind, with good ones between them. The seed draws them. */
import { newIntentId } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import { bareIntent, defaultLimits, partitionOf } from '@signalbox/contract'
import type { RecordToAppend } from '@signalbox/log'
import { heavyPounds } from './contracts.ts'

/** `thrown at` alone is an intent: it is redriven. */
export const poisons = ['thrown at', 'no record', 'broken JSON', 'key twice', 'unknown field', 'cut Avro', 'oversized', 'empty'] as const
export type Kind = (typeof poisons)[number] | 'good' | 'start'

export interface Sent {
  readonly kind: Kind
  readonly scope: string
  readonly partition: number
  /** Of `good` and `thrown at`: rises within a scope. */
  readonly parcel: number
  readonly record: RecordToAppend
}

const codec = createCodec({ limits: defaultLimits })
const encoder = new TextEncoder()
const agents = ['clerk', 'porter', 'robot-1', 'robot-2', 'robot-3', 'night-shift']
/** Half of all poison is thrown at; what is oversized is seldom. */
const oversizedEvery = 100

export interface PoisonOptions {
  /** How many records that become dead letters. */
  readonly records: number
  readonly scopes: number
  readonly partitionCount: number
  readonly random: () => number
}

/** In the order in which they are sent. */
export function* poisonedRecords({ partitionCount, random, records, scopes }: PoisonOptions): Generator<Sent> {
  const pick = <Each>(of: readonly Each[]): Each => of[Math.floor(random() * of.length)]!
  const names = Array.from({ length: scopes }, (_, number) => `hall-${number}`)
  const send = (kind: Kind, scope: string, parcel: number, value: Uint8Array): Sent => {
    const record = { key: scope, value, headers: { sent_as: kind, traceparent: `00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-01` } }
    return { kind, scope, parcel, partition: partitionOf(scope, partitionCount), record }
  }
  for (const scope of names) yield send('start', scope, -1, intentBytes(scope, 'clerk', 'start', {}))
  const others = poisons.filter((kind) => kind !== 'thrown at' && kind !== 'oversized')
  let parcel = 0
  for (let sent = 0; sent < records; ) {
    const scope = pick(names)
    const agent = pick(agents)
    if (random() < 0.25) {
      yield send('good', scope, parcel, intentBytes(scope, agent, 'pass', { parcel, pounds: 3 }))
      parcel++
      continue
    }
    const kind = random() < 0.5 ? 'thrown at' : sent % oversizedEvery === 0 ? 'oversized' : pick(others)
    const pounds = kind === 'thrown at' ? heavyPounds + Math.floor(random() * 9_000) : 3
    yield send(kind, scope, parcel, spoiled(kind, scope, agent, { parcel, pounds }, random))
    parcel++
    sent++
  }
}

function intentBytes(scope: string, agent: string, action: string, input: object): Uint8Array {
  const actions = [{ resource: 'belt/main', action, input: JSON.stringify(input), expectedVersion: null }]
  return codec.encodeIntent({ ...bareIntent({ intentId: newIntentId(), scope, agent, actions }), note: 'on its way' })
}

function spoiled(kind: Kind, scope: string, agent: string, input: object, random: () => number): Uint8Array {
  const text = JSON.stringify({ intentId: newIntentId(), scope, agent, actions: [{ resource: 'belt/main', action: 'pass', input }] })
  switch (kind) {
    case 'no record':
      return Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, (_, at) => (at === 0 ? 0xfe : Math.floor(random() * 256)))
    case 'broken JSON':
      return encoder.encode(text.slice(0, 1 + Math.floor(random() * (text.length - 2))))
    case 'key twice':
      return encoder.encode(text.replace('{', '{"note":"a","note":"b",'))
    case 'unknown field':
      return encoder.encode(text.replace('{', `{"colour ${Math.floor(random() * 1_000)}":"red",`))
    case 'cut Avro': {
      const bytes = intentBytes(scope, agent, 'pass', input)
      return bytes.slice(0, bytes.length - 1 - Math.floor(random() * 20))
    }
    case 'oversized':
      return encoder.encode(`${text}${' '.repeat(defaultLimits.intentBytes)}`)
    case 'empty':
      return new Uint8Array()
    default:
      return random() < 0.5 ? intentBytes(scope, agent, 'pass', input) : encoder.encode(text)
  }
}
