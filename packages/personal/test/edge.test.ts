import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ContractSet,
  contractSet,
  defineContract,
  type Intent,
  intentFromJson,
  isPersonalToken,
  type JsonObject,
  none,
  personal,
} from '@signalbox/contract'
import { createFileKeyStore, type KeyStore, personalData } from '@signalbox/personal'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

const owner = { team: 'sales', contact: '#sales' }
const address = z.strictObject({ street: personal(), country: z.string() })
const customer = defineContract({
  type: 'customer',
  version: 1,
  owner,
  dataSubject: ({ id }) => id,
  data: z.strictObject({ email: personal(), others: z.array(personal()), address: address.nullable(), tier: z.string() }),
  states: ['known'],
  actions: {
    register: {
      from: none,
      to: 'known',
      input: z.strictObject({
        email: personal(),
        others: z.array(personal()).default([]),
        address: address.nullable().default(null),
        tier: z.string(),
      }),
      apply: ({ input }) => input,
    },
  },
})
const note = defineContract({
  type: 'note',
  version: 1,
  owner,
  data: z.strictObject({ text: z.string() }),
  states: ['kept'],
  actions: { keep: { from: none, to: 'kept', input: z.strictObject({ text: z.string() }) } },
})

let directory = ''
let keys: KeyStore
let contracts: ContractSet
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-edge-'))
  keys = createFileKeyStore(directory)
  contracts = contractSet([customer, note])
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const intent = (resource: string, action: string, input: JsonObject): Intent =>
  intentFromJson({
    intentId: '0192f3a0-0000-7000-8000-000000000001',
    scope: 'shop',
    agent: 'clerk',
    actions: [{ resource, action, input }],
  })
const inputOf = ({ actions }: Intent): JsonObject => JSON.parse(actions[0]!.input) as JsonObject
const protect = (resource: string, action: string, input: JsonObject) =>
  personalData(keys, contracts).protect(intent(resource, action, input))

describe('personal data on its way to the log', () => {
  const whole = { email: 'ada@example.org', others: ['a@b.c'], address: { street: 'Main St 1', country: 'PT' }, tier: 'gold' }

  it('is encrypted where the schema says so, wherever it lies, and nothing else is', () => {
    const safe = inputOf(protect('customer/42', 'register', whole))
    expect(isPersonalToken(safe.email as string)).toBe(true)
    expect((safe.others as string[]).every(isPersonalToken)).toBe(true)
    expect(isPersonalToken((safe.address as JsonObject).street as string)).toBe(true)
    expect([safe.tier, (safe.address as JsonObject).country]).toEqual(['gold', 'PT'])
    expect(personalData(keys, contracts).reveal(safe)).toEqual(whole)
    expect(customer.actions.register.input!.safeParse(safe).success).toBe(true)
    expect(customer.actions.register.input!.safeParse(whole).success).toBe(false)
  })

  it('leaves other contracts alone, and what is encrypted already', () => {
    const plain = intent('note/1', 'keep', { text: 'ada@example.org' })
    expect(personalData(keys, contracts).protect(plain)).toBe(plain)
    const once = protect('customer/42', 'register', whole)
    expect(personalData(keys, contracts).protect(once)).toBe(once)
  })

  it('is found in the legs of a transfer and in what a human amends', () => {
    const step = { resource: 'customer/42', action: 'register', input: whole }
    const transfer = inputOf(protect('transfer/1', 'begin', { legs: [{ scope: 'a', reserve: [step], confirm: [], release: [] }] }))
    const amend = inputOf(protect('escalation/1', 'amend', { reason: 'so', digest: 'd', actions: [step] }))
    for (const text of [JSON.stringify(transfer), JSON.stringify(amend)]) {
      expect(text).not.toContain('ada@')
      expect(text).toContain('personal:v1:')
    }
  })

  it('is the same token for the same text of the same person, and another for anybody else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        const of = (id: string, email: string) => inputOf(protect(`customer/${id}`, 'register', { email, tier: 'x' })).email as string
        expect(of('1', left) === of('1', right)).toBe(left === right)
        expect(of('1', left)).not.toBe(of('2', left))
        expect(personalData(keys, contracts).reveal(of('1', left))).toBe(left.toWellFormed())
      }),
      { numRuns: 50 },
    )
  })

  it('is refused where there are no keys, or nobody can tell whose it is', () => {
    expect(() => personalData(null, contracts).protect(intent('customer/42', 'register', whole))).toThrow(
      /actions\[0\]\.input\.address\.street is personal data, and there is no key store here/,
    )
    const vague = defineContract({ ...definition, dataSubject: ({ input }) => input.customer as string })
    expect(() => personalData(keys, contractSet([vague])).protect(intent('vague/1', 'say', { email: 'x' }))).toThrow(
      /input\.email is personal data, and dataSubject of vague@1 does not tell whose/,
    )
  })

  it.each<[string, unknown, RegExp]>([
    ['in NFD', 'Jo\u0308rg', /the subject that dataSubject of vague@1 tells is not in Unicode normalization form NFC/],
    ['with a zero-width space', 'ann\u200b', /tells has U\+200B/],
    ['with a space at its end', 'ann ', /tells ends with a space/],
    ['that is a Symbol', Symbol('ann'), /does not tell whose/],
    ['that is a Proxy', new Proxy({}, { get: () => 'ann' }), /does not tell whose/],
  ])('of a subject %s is refused: two spellings of one person would have two keys', (_what, subject, said) => {
    const vague = defineContract({ ...definition, dataSubject: () => subject as string })
    expect(() => personalData(keys, contractSet([vague])).protect(intent('vague/1', 'say', { email: 'x' }))).toThrow(said)
  })

  it('is refused where what tells whose it is throws, whatever that is', () => {
    for (const thrown of [Symbol('x'), null, new Proxy(new Error('x'), { get: () => 1n })]) {
      const vague = defineContract({
        ...definition,
        dataSubject: () => {
          throw thrown
        },
      })
      expect(() => personalData(keys, contractSet([vague])).protect(intent('vague/1', 'say', { email: 'x' }))).toThrow(/cannot tell whose/)
    }
  })

  it('makes no key for what is only tried', () => {
    const safe = inputOf(personalData(keys, contracts).protectTrial(intent('customer/stranger', 'register', whole)))
    expect(isPersonalToken(safe.email as string)).toBe(true)
    expect(keys.existingKeyOf('stranger')).toBe(null)
    expect(personalData(keys, contracts).reveal(safe.email)).toBe('[key not here]')
  })
})

const definition = {
  type: 'vague',
  version: 1,
  owner,
  data: z.strictObject({ email: personal() }),
  states: ['said'],
  actions: { say: { from: none, to: 'said', input: z.strictObject({ email: personal() }) } },
} as const

describe('personal data that is read', () => {
  it('is shown within texts too, escaped as JSON is', () => {
    const email = inputOf(protect('customer/quote', 'register', { email: 'a "b"\n', tier: 'x' })).email as string
    const { reveal, revealText } = personalData(keys, contracts)
    const text = JSON.stringify({ email })
    expect(JSON.parse(revealText(text))).toEqual({ email: 'a "b"\n' })
    expect(JSON.parse(reveal({ data: text }).data)).toEqual({ email: 'a "b"\n' })
  })

  it('has a placeholder where the key was destroyed, the text was changed, or the store never had the key', () => {
    const of = (id: string) => inputOf(protect(`customer/${id}`, 'register', { email: 'ada@example.org', tier: 'x' })).email as string
    const [gone, kept] = [of('gone'), of('kept')]
    keys.erase('gone')
    const changed = `${kept.slice(0, -6)}AAAAAA`
    const foreign = kept.replace(/^personal:v1:.{22}/, `personal:v1:${'B'.repeat(22)}`)
    const swapped = kept.replace(/^personal:v1:.{22}/, of('other').slice(0, 34))
    const { reveal } = personalData(keys, contracts)
    expect([gone, kept, changed, foreign, swapped].map((each) => reveal(each))).toEqual([
      '[erased]',
      'ada@example.org',
      '[unreadable]',
      '[key not here]',
      '[unreadable]',
    ])
    expect(of('gone')).not.toBe(gone)
  })
})

describe('a contract with personal data', () => {
  it('says whose it is, and has the contract by which erasures are recorded beside it', () => {
    const { dataSubject: _none, ...nobody } = { ...definition, dataSubject: undefined }
    expect(() => defineContract(nobody)).toThrow(/the input of say has personal data, and nothing says whose it is; give 'dataSubject'/)
    expect(() =>
      defineContract({
        ...definition,
        actions: { say: { from: none, to: 'said', input: z.strictObject({ email: z.string() }) } },
        dataSubject: () => 'x',
      }),
    ).toThrow(/no action takes personal data/)
    expect(() => defineContract({ ...definition, dataSubject: () => `${Date.now()}` })).toThrow(/dataSubject: it reads the clock/)
    expect(contracts.get('erasure')?.version).toBe(1)
    expect(contractSet([note]).get('erasure')).toBe(undefined)
  })
})
