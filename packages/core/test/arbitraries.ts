/** Intents as agents might send them: mostly sound, over few accounts of few scopes, with ids and versions that collide. */
import { defaultLimits, type Intent } from '@signalbox/contract'
import fc from 'fast-check'
import { type AskedAction, id, intent, startMs } from './specification.ts'

const resource = fc.constantFrom('account/a', 'account/b', 'account/c', 'faulty/f')
const version = fc.nat(4)
const by = fc.integer({ min: -1, max: 60 })
const expectedVersion = fc.option(version, { nil: undefined })

const onAnything: fc.Arbitrary<AskedAction> = fc
  .record({
    resource,
    expectedVersion,
    what: fc.oneof(
      { weight: 3, arbitrary: fc.record({ action: fc.constant('open'), input: fc.record({ limit: fc.nat(100) }) }) },
      { weight: 4, arbitrary: fc.record({ action: fc.constant('deposit'), input: fc.record({ by }) }) },
      { weight: 4, arbitrary: fc.record({ action: fc.constant('withdraw'), input: fc.record({ by }) }) },
      { weight: 2, arbitrary: fc.record({ action: fc.constant('annotate'), input: fc.record({ note: fc.string({ unit: 'grapheme' }) }) }) },
      { weight: 1, arbitrary: fc.record({ action: fc.constant('send'), input: fc.record({ by, to: fc.constantFrom('b', 'c') }) }) },
      { weight: 1, arbitrary: fc.record({ action: fc.constant('inherit'), input: fc.record({ of: fc.constantFrom('a', 'b') }) }) },
      {
        weight: 1,
        arbitrary: fc.record({ action: fc.constantFrom('close', 'throwing', 'readingClock', 'shut', 'ghost'), input: fc.constant({}) }),
      },
    ),
  })
  .map(({ expectedVersion: expected, resource: name, what }) => ({
    resource: name,
    ...what,
    ...(expected === undefined ? {} : { expectedVersion: expected }),
  }))

const action: fc.Arbitrary<AskedAction> = fc.oneof(
  { weight: 9, arbitrary: onAnything },
  {
    weight: 1,
    arbitrary: fc.constantFrom('throwing', 'readingClock', 'shut').map((name) => ({ resource: 'faulty/f', action: name })),
  },
)

export interface Asked {
  readonly intent: Intent
  readonly timestampMs: number
}

const { clockSkewMs, identityHorizonMs } = defaultLimits
const idTimeMs = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(0, 900) },
  { weight: 1, arbitrary: fc.constantFrom(-identityHorizonMs - 1, clockSkewMs + 100_000) },
)

export const asked: fc.Arbitrary<Asked> = fc
  .record({
    actions: fc.oneof(
      { weight: 4, arbitrary: fc.array(action, { minLength: 1, maxLength: 1 }) },
      { weight: 1, arbitrary: fc.array(action, { maxLength: 3 }) },
    ),
    number: fc.nat(60),
    idTimeMs,
    scope: fc.constantFrom('bank-1', 'bank-2', 'bänk "3"'),
    agent: fc.constantFrom('clerk', 'manager', 'admin-1'),
    reads: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.record({ resource, version }), { maxLength: 2 }) },
    ),
    deadline: fc.oneof(
      { weight: 4, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.integer({ min: -50, max: 2_000 }).map((ms) => startMs + ms) },
    ),
    onConflict: fc.oneof({ weight: 9, arbitrary: fc.constant('reject' as const) }, { weight: 1, arbitrary: fc.constant('wait' as const) }),
    timestampMs: fc.nat(1_500).map((ms) => startMs + ms),
  })
  .map(({ actions, agent, deadline, idTimeMs: ageMs, number, onConflict, reads, scope, timestampMs }) => ({
    timestampMs,
    intent: intent(actions, { intentId: id(number, startMs + ageMs), scope, agent, reads, deadline, onConflict }),
  }))

const scopes = ['bank-1', 'bank-2', 'bänk "3"']

// So that most intents find something to act on.
const openings: readonly Asked[] = scopes.flatMap((scope, number) => [
  {
    timestampMs: startMs,
    intent: intent(
      ['a', 'b'].map((name) => ({ resource: `account/${name}`, action: 'open', input: { limit: 100 } })),
      { intentId: id(1_000 + number), scope },
    ),
  },
  {
    timestampMs: startMs,
    intent: intent({ resource: 'faulty/f', action: 'open', input: { items: [], note: '' } }, { intentId: id(2_000 + number), scope }),
  },
])

/** A log of intents, some of them sent again. */
export const askedList: fc.Arbitrary<readonly Asked[]> = fc
  .array(fc.tuple(asked, fc.nat(1_000)), { maxLength: 40, size: 'large' })
  .map((entries) => {
    const list = [...openings]
    for (const [each, number] of entries) list.push(number % 7 > 0 ? each : list[number % list.length]!)
    return list
  })

// What makes JSON awkward: quotes, controls, other planes, halves of surrogate pairs.
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\u2028', '\ud800', '😀', 'a/b'))
const number = fc.oneof(fc.maxSafeInteger(), fc.double(), fc.constantFrom(-0, Number.NaN, 1e21))

// Which is refused before it gets here.
const key = fc.string().filter((each) => each !== '__proto__')
const member = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.integer(), { maxLength: 3 }))

/** Any intent at all, well-formed or not; inputs are JSON objects. */
export const anyIntent: fc.Arbitrary<Intent> = fc.record({
  intentId: fc.oneof(
    fc.nat(9).map((each) => id(each)),
    text,
  ),
  scope: text,
  agent: text,
  actions: fc.array(
    fc.record({
      resource: text,
      action: text,
      input: fc.dictionary(key, member).map((value) => JSON.stringify(value)),
      expectedVersion: fc.option(number),
    }),
    { maxLength: 3 },
  ),
  reads: fc.array(fc.record({ resource: text, version: number }), { maxLength: 3 }),
  correlationId: text,
  causationId: fc.option(text),
  deadline: fc.option(number),
  priority: fc.option(number),
  confidence: fc.option(number),
  onConflict: fc.constantFrom('reject' as const, 'wait' as const, 'escalate' as const),
  reservation: fc.option(text),
  note: fc.option(text),
  signature: fc.option(text),
  causationDepth: fc.option(fc.nat(1_000_000)),
})
