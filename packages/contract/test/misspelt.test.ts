/**
 * Every key of what an author writes, misspelt by one letter, is refused, and the right one named. The keys are read from the types
 * themselves, so that one which is added is tried too.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { containmentOf, defineConfig, defineContract, defineReaction, defineSource, none, refuse } from '@signalbox/contract'
import { parseSync } from 'oxc-parser'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const source = join(import.meta.dirname, '../src')

interface Node {
  readonly type: string
  readonly [part: string]: unknown
}

/** By the name of an interface: its keys. */
const keysOf = new Map<string, readonly string[]>()
for (const file of [...readdirSync(source).filter((name) => name.endsWith('.ts')), 'generated/records.ts']) {
  const visit = (node: Node): void => {
    if (node.type === 'TSInterfaceDeclaration') {
      const { id, body } = node as unknown as { id: { name: string }; body: { body: { key?: { name: string } }[] } }
      keysOf.set(
        id.name,
        body.body.flatMap(({ key }) => (key === undefined ? [] : [key.name])),
      )
    }
    for (const part of Object.values(node)) {
      if (Array.isArray(part)) for (const each of part) if (typeof each === 'object' && each !== null) visit(each as Node)
      if (typeof part === 'object' && part !== null && 'type' in part) visit(part as Node)
    }
  }
  visit(parseSync(file, readFileSync(join(source, file), 'utf8')).program as unknown as Node)
}

const input = z.strictObject({ cents: z.int() })
/** Has every key that there is. */
const definition = () => ({
  type: 'refund',
  version: 2,
  owner: { team: 'payments', contact: '#payments' },
  data: z.strictObject({ cents: z.int() }),
  states: ['open', 'paid'],
  actions: {
    open: {
      from: none,
      to: 'open',
      by: ['clerk'],
      input,
      conflict: 'version',
      guard: () => refuse('NO'),
      apply: () => ({ cents: 1 }),
      escalate: [{ reason: 'LARGE', when: () => true, to: 'leads', approvals: 1 }],
      effect: { reportWithinMs: 1_000, idempotent: true, attempts: 2 },
      undo: 'pay',
      amount: () => 1,
      fact: { fields: ['cents'], version: () => 1, escalateTo: 'leads' },
    },
    pay: { from: 'open', to: 'paid', by: ['clerk', 'clock'] },
  },
  invariants: { positive: () => true },
  upcast: { 1: { resource: (old: unknown) => old, action: (old: unknown) => old } },
  after: { open: { ms: 1_000, action: 'pay' } },
  waiting: { queue: 1, bypasses: 1, deadlineMs: 1 },
  reservation: { maxMs: 1 },
  maxPriority: 1,
  escalation: { levels: [{ to: 'leads', withinMs: 1 }], separationOfDuties: true },
  contradictions: { count: 1, to: 'leads' },
  rounds: { count: 2, withinMs: 1, to: 'leads' },
  shadow: false,
  handoff: { requires: ['resource'] },
})

const config = () => ({
  contracts: [defineContract(definition() as never)],
  agents: ['clerk'],
  containment: {
    version: 1,
    breaker: { rejects: 1, ratio: 1, openMs: 1, probes: 1, opensBeforeQuarantine: 1 },
    repeatedRejects: 1,
    budgets: [
      {
        agents: ['clerk'],
        intents: 1,
        pending: 1,
        amount: 1,
        across: { measure: 'amount', limit: 1, windowMs: 1, slice: 1, leaseMs: 1 },
      },
    ],
    maxDepth: 1,
    correlationIntents: 1,
    maxHops: 1,
    maxOffers: 1,
    escalateTo: 'leads',
    escalateWithinMs: 1,
    shadowAgents: ['clerk'],
  },
  reactions: [{ name: 'r', react: () => [] }],
  sources: [{ name: 's', topic: 't', agent: 'erp', map: () => null }],
  escalation: {
    targets: [
      {
        name: 't',
        url: 'https://example.org',
        secrets: ['whsec_x'],
        allowPrivate: true,
        allowPlain: true,
        ports: [1],
        certificateAuthorities: [],
        concurrency: 1,
        queueLimit: 1,
        timeoutMs: 1,
        attempts: 1,
      },
    ],
    routes: { leads: ['t'] },
  },
  projections: [{ name: 'p', version: 1, tables: {}, maxParked: 1 }],
  projector: { store: 'sqlite', schema: 's', shipped: ['agents'], history: false, url: 'http://127.0.0.1:1' },
  dataDirectory: 'd',
  log: 'sqlite',
  partitions: 1,
  keys: 'k',
  url: 'http://[::1]:7070',
})

type Place = (whole: Record<string, unknown>) => Record<string, unknown>
const at =
  (...path: readonly (string | number)[]): Place =>
  (whole) =>
    path.reduce<Record<string, unknown>>((part, key) => part[key] as Record<string, unknown>, whole)

/** An interface, what it is part of, and where. */
const ofContract: readonly (readonly [string, Place])[] = [
  ['ContractDefinition', at()],
  ['ContractOwner', at('owner')],
  ['ActionRules', at('actions', 'open')],
  ['EscalationRule', at('actions', 'open', 'escalate', 0)],
  ['EffectRule', at('actions', 'open', 'effect')],
  ['UpcastStep', at('upcast', 1)],
  ['CoordinationParts', at()],
  ['EscalationLevel', at('escalation', 'levels', 0)],
]
const ofConfig: readonly (readonly [string, Place])[] = [
  ['SignalboxConfig', at()],
  ['Budget', at('containment', 'budgets', 0)],
  ['BudgetAcross', at('containment', 'budgets', 0, 'across')],
  ['Containment', at('containment')],
  ['Reaction', at('reactions', 0)],
  ['Source', at('sources', 0)],
  ['EscalationSettings', at('escalation')],
  ['WebhookTargetSettings', at('escalation', 'targets', 0)],
  ['ProjectorSettings', at('projector')],
]
/** Written in place, without a name of their own. */
const inPlace: readonly (readonly [string, Place])[] = [
  ['waiting', at('waiting')],
  ['reservation', at('reservation')],
  ['escalation', at('escalation')],
  ['contradictions', at('contradictions')],
  ['rounds', at('rounds')],
  ['handoff', at('handoff')],
  ['after', at('after', 'open')],
  ['fact', at('actions', 'open', 'fact')],
]

/** One letter left out, doubled, replaced, swapped with the next, or in upper case. */
function misspellings(key: string): readonly string[] {
  const made = new Set<string>()
  for (let index = 0; index < key.length; index++) {
    made.add(key.slice(0, index) + key.slice(index + 1))
    made.add(key.slice(0, index) + key[index]! + key.slice(index))
    made.add(`${key.slice(0, index)}q${key.slice(index + 1)}`)
    made.add(key.slice(0, index) + (key[index + 1] ?? '') + key[index]! + key.slice(index + 2))
    made.add(key.slice(0, index) + key[index]!.toUpperCase() + key.slice(index + 1))
  }
  return [...made].filter((each) => each !== key && each !== '')
}

function tryAll(make: () => object, place: Place, keys: readonly string[], define: (whole: never) => unknown): void {
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) {
    for (const wrong of misspellings(key)) {
      if (keys.includes(wrong) || Object.hasOwn(place(make() as Record<string, unknown>), wrong)) continue
      const whole = make() as Record<string, unknown>
      const part = place(whole)
      // Beside the right one: what is missing is another mistake.
      part[wrong] = part[key] ?? (() => 'x')
      expect(() => define(whole as never), `${key} misspelt ${wrong}`).toThrow(`there is no '${wrong}'`)
      expect(() => define(whole as never)).toThrow(wrong.length < 3 ? /did you mean|there are/ : /did you mean '/)
    }
  }
}

test('what has every key is fine', () => {
  expect(() => defineConfig(config() as never)).not.toThrow()
})

describe('a contract', () => {
  test.each(ofContract)('%s', (name, place) => tryAll(definition, place, keysOf.get(name)!, defineContract))
  test.each(inPlace)('what is under %s', (_name, place) => tryAll(definition, place, Object.keys(place(definition())), defineContract))

  test('every key of the types is tried', () => {
    const whole = definition()
    // Of what holds no personal data, nobody is the subject.
    for (const name of ['ContractDefinition', 'CoordinationParts'])
      for (const key of keysOf.get(name)!) if (key !== 'dataSubject') expect(Object.keys(whole), key).toContain(key)
    for (const key of keysOf.get('ActionRules')!) expect(Object.keys(whole.actions.open)).toContain(key)
  })
})

describe('a config', () => {
  test.each(ofConfig)('%s', (name, place) => {
    expect(Object.keys(place(config() as never)).sort()).toEqual([...keysOf.get(name)!].sort())
    tryAll(config, place, keysOf.get(name)!, defineConfig)
  })

  test('the breaker', () => tryAll(config, at('containment', 'breaker'), Object.keys(config().containment.breaker), defineConfig))
})

describe('what stands under a key is looked at too', () => {
  type Change = (whole: ReturnType<typeof definition>) => void
  test.each<[string, Change, string]>([
    [
      'by as a text',
      (whole) => Object.assign(whole.actions.open, { by: 'refunder' }),
      'actions.open.by: it is the text "refunder"; give a list of names',
    ],
    [
      'by with a name that none can have',
      (whole) => Object.assign(whole.actions.open, { by: ['Jörg'] }),
      'actions.open.by[0]: it is the text',
    ],
    ['by with a star in the middle', (whole) => Object.assign(whole.actions.open, { by: ['a*b'] }), 'actions.open.by[0]'],
    [
      'a guard that is no function',
      (whole) => Object.assign(whole.actions.open, { guard: true }),
      'actions.open.guard: it is true; give a function',
    ],
    [
      'input that is no schema',
      (whole) => Object.assign(whole.actions.open, { input: { cents: 'int' } }),
      'actions.open.input: it is an object; give a schema',
    ],
    ['states as a text', (whole) => Object.assign(whole, { states: 'open' }), 'states: it is the text "open"; give a list'],
    ['actions as a list', (whole) => Object.assign(whole, { actions: [] }), 'actions: it is a list; give an object'],
    [
      'a version that is a moment',
      (whole) => Object.assign(whole, { version: 202611301200 }),
      'version: must be a whole number from 1 to 2147483647',
    ],
    ['a version as a text', (whole) => Object.assign(whole, { version: '2' }), 'version: must be a whole number'],
    ['no owner', (whole) => Reflect.deleteProperty(whole, 'owner'), 'owner: it is missing; give an object'],
    ['shadow as a text', (whole) => Object.assign(whole, { shadow: 'no' }), 'shadow: it is the text "no"; give true or false'],
    ['an action that is null', (whole) => Object.assign(whole.actions, { pay: null }), 'actions.pay: it is null; give an object'],
  ])('%s', (_what, change, said) => {
    const whole = definition()
    change(whole)
    expect(() => defineContract(whole as never)).toThrow(said)
  })

  test('a key that is there and undefined, as a misspelt name gives it', () => {
    const roles: Record<string, readonly string[]> = { refunder: ['refunder'] }
    const whole = definition()
    Object.assign(whole.actions.open, { by: roles.refnder })
    expect(() => defineContract(whole as never)).toThrow('actions.open.by: it is there and undefined')
    for (const key of ['guard', 'input', 'apply', 'amount', 'escalate']) {
      const other = definition()
      Object.assign(other.actions.open, { [key]: undefined })
      expect(() => defineContract(other as never)).toThrow(`actions.open.${key}: it is there and undefined`)
    }
    for (const key of ['agents', 'containment', 'reactions', 'projections'])
      expect(() => defineConfig({ ...config(), [key]: undefined } as never)).toThrow(`${key}: it is there and undefined`)
  })

  test.each(['containment', 'escalation', 'projector'])('%s that is no plain object', (key) => {
    for (const value of [new Map([['budgets', []]]), new Date(0), new (class Settings {})()])
      expect(() => defineConfig({ ...config(), [key]: value } as never)).toThrow(/it is a (Map|Date|Settings); give a plain object/)
  })

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'signalbox.config.ts: it is missing; give an object'],
    ['agents as a text', { ...config(), agents: 'front-office' }, 'agents: it is the text "front-office"; give a list of names'],
    [
      'a contract that defineContract did not make',
      { contracts: [definition()] },
      'contracts[0]: it is an object; give a contract that defineContract made',
    ],
    ['contracts as an object', { contracts: {} }, 'contracts: it is an object; give a list'],
    ['budgets as an object', { ...config(), containment: { budgets: {} } }, 'containment.budgets: it is an object; give a list'],
    [
      'agents of a budget as a text',
      { ...config(), containment: { budgets: [{ agents: 'front-office' }] } },
      'containment.budgets[0].agents: it is the text',
    ],
    ['no url', { ...config(), url: 'localhost:7070' }, 'url: it is the text "localhost:7070"; give an address'],
    ['half a partition', { ...config(), partitions: 1.5 }, 'partitions: must be a whole number from 1 to 1000'],
    ['a log that there is not', { ...config(), log: 'redis' }, 'log: it is the text "redis"; give sqlite, kafka'],
    [
      'two reactions of one name',
      { ...config(), reactions: [...config().reactions, ...config().reactions] },
      "reactions: two are called 'r'",
    ],
    ['a reaction without code', { ...config(), reactions: [{ name: 'r' }] }, 'reactions[0].react: it is missing; give a function'],
    [
      'a version of containment that no int holds',
      { ...config(), containment: { version: 2 ** 31 } },
      'containment.version: must be a whole number',
    ],
  ])('%s', (_what, whole, said) => {
    expect(() => defineConfig(whole as never)).toThrow(said)
  })

  test('of what is defined alone', () => {
    expect(() => defineReaction({ name: 'R', react: () => [] })).toThrow('name: it is the text "R"; give a name')
    expect(() => defineSource({ name: 's', topic: 't', agent: 'human:', map: () => null })).toThrow('is no agent name')
    expect(() => containmentOf({ maxDeph: 1 } as never)).toThrow("there is no 'maxDeph'; did you mean 'maxDepth'?")
  })
})

test('states and actions may be called as what every object has', () => {
  const names = ['constructor', 'toString', 'valueOf', 'hasOwnProperty']
  const contract = defineContract({
    type: 'odd',
    version: 1,
    owner: { team: 't', contact: 'c' },
    data: z.strictObject({}),
    states: names,
    actions: Object.fromEntries(names.map((name) => [name, { from: none, to: name, input: z.strictObject({}) }])) as never,
  })
  for (const name of names) expect(contract.coordination.after[name]).toBeUndefined()
  const plain = { ...definition(), actions: { ...definition().actions, open: { ...definition().actions.open, undo: 'toString' } } }
  expect(() => defineContract(plain as never)).toThrow("it is undone by 'toString', which is no action")
})
