/** What goes in, what stays out, and why: the policy, one rule after the other. */
import { expect, it } from 'vitest'
import {
  type Candidate,
  compilePacket,
  type DecisionCandidate,
  loadTokenizer,
  type PacketErrorCode,
  type PacketInput,
  packetLimits,
  partReference,
} from '../src/index.ts'
import { candidates, example } from './example.ts'
import { refusal, tools } from './support.ts'

const using = await tools()
const plenty = { tokens: 1_000_000, bytes: 10_000_000 }

const byReference = new Map(candidates.map((candidate) => [partReference(candidate), candidate]))
const refund = byReference.get('resource:refund/7-1') as Candidate & { kind: 'resource' }
const commit = byReference.get('decision:3/43/0') as DecisionCandidate

function note(id: string, text: string, given: Partial<Candidate & { kind: 'note' }> = {}): Candidate {
  return { kind: 'note', id, author: 'intake', time: 1, text, ...given }
}

function compile(given: Partial<PacketInput>) {
  return compilePacket({ ...example, budget: plenty, ...given }, using)
}

/** What became of every candidate, by reference. */
function fates(given: Partial<PacketInput>): Record<string, string> {
  const { packet, omissions } = compile(given)
  return Object.fromEntries([...packet.parts, ...omissions].map(({ reference, reason }) => [reference, reason]))
}

it('ranks: required, named, in force, the last change, the same correlation newest first, the others, notes', () => {
  const elsewhere: Candidate[] = [
    { kind: 'reservation', resource: 'customer/42', holder: 'policy', fencingToken: 1, expires: 5 },
    { kind: 'effect', effectId: 'e1', resource: 'refund/7-1', action: 'pay', agent: 'refund', status: 'awaited', reportBy: 5 },
    {
      ...commit,
      event: { partition: 3, offset: 30, index: 0 },
      outcome: 'rejected',
      code: 'GUARD_REFUSED',
      changes: [],
      correlationId: null,
    },
    {
      ...commit,
      event: { partition: 3, offset: 44, index: 0 },
      outcome: 'pending',
      code: 'GUARD_REFUSED',
      changes: [],
      time: commit.time + 1,
    },
  ]
  expect(
    compile({ candidates: [...candidates, ...elsewhere] }).packet.parts.map(({ reference, reason }) => `${reason} ${reference}`),
  ).toEqual([
    'REQUIRED resource:order/7',
    'NAMED resource:refund/7-1',
    'IN_FORCE effect:e1',
    'IN_FORCE reservation:refund/7-1',
    'LAST_CHANGE decision:3/43/0',
    'SAME_CORRELATION decision:3/44/0',
    'SAME_CORRELATION decision:3/42/0',
    'IN_FORCE_ELSEWHERE reservation:customer/42',
    'OTHER_RESOURCE resource:customer/42',
    'NOTE note:n2',
    'NOTE note:n1',
    'OTHER_DECISION decision:3/30/0',
  ])
})

it('leaves out a commit whose resource is in at a later version, however much room there is', () => {
  expect(fates({})['decision:3/40/0']).toBe('SUPERSEDED')
})

it('keeps an old commit where the later state is not in, or where not all that it changed is', () => {
  const old = byReference.get('decision:3/40/0') as DecisionCandidate
  expect(fates({ candidates: [old], required: [], task: { ...example.task, resources: [] } })).toEqual({
    'decision:3/40/0': 'SAME_CORRELATION',
  })
  const wide = { ...old, changes: [...old.changes, { resource: 'invoice/1', version: 1 }] }
  expect(fates({ candidates: [...candidates.filter((one) => one !== old), wide] })['decision:3/40/0']).toBe('SAME_CORRELATION')
})

it('keeps what was only decided in shadow: it changed nothing that could be superseded', () => {
  const shadowed = {
    ...commit,
    event: { partition: 3, offset: 20, index: 0 },
    outcome: 'shadowed' as const,
    changes: [{ resource: 'refund/7-1', version: 1 }],
  }
  expect(fates({ candidates: [...candidates, shadowed] })['decision:3/20/0']).toBe('SAME_CORRELATION')
})

it('keeps the newest of a reject that came again and again, and of a note', () => {
  expect(fates({ candidates: [...candidates, note('n3', 'Ring twice.'), note('n4', 'Ring twice.', { time: 2 })] })).toMatchObject({
    'decision:3/42/0': 'SAME_CORRELATION',
    'decision:3/41/0': 'DUPLICATE',
    'note:n4': 'NOTE',
    'note:n3': 'DUPLICATE',
  })
})

it('takes inputs that are written differently and say the same for the same', () => {
  const reject = byReference.get('decision:3/42/0') as DecisionCandidate
  const spaced = [' {"a":1, "b":2}', '{"b":2,"a":1}'].map((input, index) => ({
    ...reject,
    event: { partition: 3, offset: 70 + index, index: 0 },
    actions: [{ resource: 'refund/7-1', action: 'pay', input }],
  }))
  expect(fates({ candidates: [...candidates, ...spaced] })).toMatchObject({
    'decision:3/71/0': 'SAME_CORRELATION',
    'decision:3/70/0': 'DUPLICATE',
  })
})

it('takes a commit made twice for two commits', () => {
  const twice = [1, 2].map((offset) => ({
    ...commit,
    event: { partition: 3, offset, index: 0 },
    changes: [{ resource: 'stock/1', version: offset }],
  }))
  expect(fates({ candidates: [...candidates, ...twice] })).toMatchObject({
    'decision:3/1/0': 'SAME_CORRELATION',
    'decision:3/2/0': 'SAME_CORRELATION',
  })
})

it('keeps what is required although it is superseded or a duplicate', () => {
  const required = ['decision:3/40/0', 'decision:3/41/0', 'decision:3/42/0', 'resource:refund/7-1']
  for (const reference of required) expect(fates({ required })[reference]).toBe('REQUIRED')
})

it('says which of the two budgets a part was over', () => {
  expect(fates({ budget: { tokens: 900, bytes: 100_000 } })['resource:customer/42']).toBe('OVER_TOKENS')
  expect(fates({ budget: { tokens: 100_000, bytes: 3000 } })['resource:customer/42']).toBe('OVER_BYTES')
})

it('goes on with smaller parts where a large one had no room', () => {
  const { packet } = compile({ budget: example.budget })
  expect(packet.omitted.named.map(({ reference }) => reference)).toContain('resource:customer/42')
  expect(packet.parts.map(({ reference }) => reference)).toContain('note:n1')
})

it('counts those left out that are more than twenty, and still names the highest', () => {
  const many = Array.from({ length: 50 }, (_, index) => note(`m${index}`, `Line ${index}. ${'And so on. '.repeat(300)}`))
  const { packet, text, omissions } = compile({ candidates: [...candidates, ...many], budget: { tokens: 1200, bytes: 100_000 } })
  expect(packet.omitted.named.length).toBe(packetLimits.namedOmissions)
  expect(packet.omitted.named[0]).toMatchObject({
    reference: 'resource:customer/42',
    fetch: 'signalbox handoff part 7 resource:customer/42',
  })
  expect(packet.omitted.more).toMatchObject({
    count: packet.totals.omitted - 20,
    reasons: { OVER_TOKENS: expect.any(Number), DUPLICATE: 1 },
  })
  expect(text).toContain(
    `and ${packet.totals.omitted - 20} more\nTo fetch one: "signalbox handoff part 7 {reference}"\nTo fetch all: "signalbox handoff omissions 7"\n`,
  )
  expect(omissions.length).toBe(packet.totals.omitted)
})

it('tells that a part of a high rank is missing before it takes in one of a low rank', () => {
  const few = [...candidates.slice(0, 2), note('x', 'ok')]
  const least = refusal('BUDGET_IMPOSSIBLE', () => compile({ candidates: few, budget: { tokens: 1, bytes: 1 } })).needed!
  const line = using.tokenizer.count('"resource:refund/7-1" OVER_TOKENS, 36 tokens, 105 bytes\n')
  const { packet } = compile({
    candidates: few,
    budget: { tokens: least.tokens + line, bytes: 100_000 },
  })
  expect(packet.omitted.named.map(({ reference }) => reference)).toEqual(['resource:refund/7-1'])
  expect(packet.omitted.more).toMatchObject({ count: 1 })
})

it('relies on all that its parts speak of, at the version of the position, and on nothing else', () => {
  expect(compile({}).packet.references).toEqual([
    { resource: 'customer/42', version: 31 },
    { resource: 'order/7', version: 5 },
    { resource: 'refund/7-1', version: 2 },
  ])
  // The older commit is in, the resource has no room: what it relies on is still the version of the position.
  const tight = compile({
    // No decision tells of the version that only the resource itself knows.
    candidates: candidates.filter((one) => one.kind !== 'note' && one !== commit),
    required: ['decision:3/40/0'],
    task: { ...example.task, resources: [] },
    budget: { tokens: 370, bytes: 100_000 },
  })
  expect(tight.packet.parts.map(({ reference }) => reference)).toEqual(['decision:3/40/0'])
  expect(tight.packet.references).toEqual([{ resource: 'refund/7-1', version: 2 }])
})

it('relies on no more resources than a handoff may name', () => {
  const many = Array.from(
    { length: packetLimits.references + 4 },
    (_, index): Candidate => ({ ...refund, resource: `refund/${String(index).padStart(3, '0')}` }),
  )
  const { packet, omissions } = compile({
    candidates: [...many, note('n', 'About nothing.')],
    required: [],
    task: { ...example.task, resources: [] },
  })
  expect(packet.references.length).toBe(256)
  expect(omissions.map(({ reference, reason }) => `${reason} ${reference}`)).toEqual(
    [256, 257, 258, 259].map((index) => `OVER_REFERENCES resource:refund/${index}`),
  )
  expect(packet.parts.at(-1)?.reference).toBe('note:n')
  const required = many.map(partReference)
  expect(
    refusal('INPUT_INVALID', () => compile({ candidates: many, required, task: { ...example.task, resources: [] } })).message,
  ).toContain('260 resources')
})

it('tells of a named resource that does not exist', () => {
  const absent: Candidate = { kind: 'resource', resource: 'refund/7-2', version: 0, state: null, data: null }
  const { packet } = compile({ candidates: [absent], required: [], task: { ...example.task, resources: ['refund/7-2'] } })
  expect(packet.parts).toMatchObject([{ reference: 'resource:refund/7-2', reason: 'NAMED', json: '{"exists":false,"version":0}' }])
})

it('takes data as deep as a record may have it', () => {
  const data = `{"a":${'['.repeat(63)}${']'.repeat(63)}}`
  const deep: Candidate = { kind: 'resource', resource: 'refund/7-1', version: 1, state: 'open', data }
  expect(compile({ candidates: [deep], required: [] }).packet.parts[0]!.json).toBe(`{"data":${data},"state":"open","version":1}`)
})

it('never leaves out what is required, however large: the budget is impossible', () => {
  const required = ['resource:customer/42']
  const { needed } = refusal('BUDGET_IMPOSSIBLE', () => compile({ required, budget: { tokens: 800, bytes: 100_000 } }))
  expect(needed!.tokens).toBeGreaterThan(800)
  refusal('BUDGET_IMPOSSIBLE', () => compile({ required, budget: { tokens: 100_000, bytes: needed!.bytes - 1 } }))
  expect(compile({ required, budget: needed! }).packet.parts.map(({ reference }) => reference)).toEqual(required)
})

it('says by how much a budget is impossible, and what to do', () => {
  const { message, needed } = refusal('BUDGET_IMPOSSIBLE', () => compile({ budget: { tokens: 200, bytes: 100_000 } }))
  expect(message).toBe(
    `the required parts (1) and the frame of the packet are ${needed!.tokens - 200} tokens over the budget of 200; raise the budget to ${needed!.tokens} tokens and ${needed!.bytes} bytes, or require less`,
  )
})

const wrong: readonly [string, PacketErrorCode, Partial<PacketInput>, string][] = [
  ['a budget of nothing', 'BUDGET_INVALID', { budget: { tokens: 0, bytes: 10 } }, 'the budget of 0 tokens'],
  ['a budget in parts of a byte', 'BUDGET_INVALID', { budget: { tokens: 10, bytes: 1.5 } }, 'the budget of 1.5 bytes'],
  ['no scope', 'INPUT_INVALID', { scope: 'a\nb' }, 'the scope'],
  ['no position', 'INPUT_INVALID', { position: '3/57' }, '"3/57"'],
  ['no time', 'INPUT_INVALID', { time: Number.NaN }, 'the time of the packet'],
  ['no purpose', 'INPUT_INVALID', { task: { ...example.task, purpose: '' } }, 'purpose'],
  ['half a character', 'INPUT_INVALID', { task: { ...example.task, purpose: '\ud800' } }, 'purpose'],
  ['an instruction too long', 'INPUT_INVALID', { fetch: { part: 'x'.repeat(5000), rest: 'y' } }, 'fetch.part'],
  ['a sender with a line break', 'INPUT_INVALID', { task: { ...example.task, from: 'a\nb' } }, 'from of the task'],
  ['a required part unknown', 'REFERENCE_UNKNOWN', { required: ['note:n9', 'note:n1'] }, 'note:n9: required'],
  ['a named resource unknown', 'REFERENCE_UNKNOWN', { task: { ...example.task, resources: ['refund/9'] } }, 'resource:refund/9'],
  [
    'one reference, two contents',
    'CANDIDATES_CONTRADICT',
    { candidates: [...candidates, { ...refund, state: 'paid' }] },
    'resource:refund/7-1',
  ],
  [
    'a change beyond the resource',
    'CANDIDATES_CONTRADICT',
    {
      candidates: [
        ...candidates,
        { ...commit, event: { partition: 3, offset: 60, index: 0 }, changes: [{ resource: 'refund/7-1', version: 3 }] },
      ],
    },
    'at version 2',
  ],
  [
    'data that is no JSON',
    'INPUT_INVALID',
    { candidates: [{ ...refund, data: '{"a":1}\n## "x"' }] },
    'resource:refund/7-1 has no JSON form',
  ],
  ['data that is no object', 'INPUT_INVALID', { candidates: [{ ...refund, data: '[1]' }] }, 'no JSON object'],
  ['a name that is no resource', 'INPUT_INVALID', { candidates: [{ ...refund, resource: 'refund' }] }, '"refund"'],
  ['a version below nothing', 'INPUT_INVALID', { candidates: [{ ...refund, version: -1 }] }, 'no whole number from 0'],
  ['a note without an id', 'INPUT_INVALID', { candidates: [note('', 'x')] }, 'has no usable id'],
  ['a note of no time', 'INPUT_INVALID', { candidates: [note('n', 'x', { time: 9e15 })] }, 'time of the candidate note:n'],
  [
    'an event that is none',
    'INPUT_INVALID',
    { candidates: [{ ...commit, event: { partition: 3, offset: 1.5, index: 0 } }] },
    'decision:3/1.5/0',
  ],
  [
    'an effect without an id',
    'INPUT_INVALID',
    { candidates: [{ kind: 'effect', effectId: 'a\nb', resource: 'a/b', action: 'c', agent: 'd', status: 'done', reportBy: null }] },
    'has no usable id',
  ],
  [
    'too many candidates',
    'TOO_MANY_CANDIDATES',
    { candidates: Array.from({ length: packetLimits.candidates + 1 }, (_, index) => note(`${index}`, '')) },
    '10001 candidates',
  ],
  [
    'too many bytes',
    'TOO_MANY_CANDIDATES',
    { candidates: Array.from({ length: 9 }, (_, index) => note(`${index}`, `${index}`.repeat(2 ** 20))) },
    '4194304 bytes',
  ],
]
it.each(wrong)('refuses %s', (_, code, given, says) => {
  expect(refusal(code, () => compile({ required: [], task: { ...example.task, resources: [] }, ...given })).message).toContain(says)
})

it('knows its tokenizers by name, and another name is part of another packet', async () => {
  await expect(loadTokenizer('toString')).rejects.toMatchObject({
    code: 'TOKENIZER_UNKNOWN',
    message: expect.stringContaining('o200k_base, cl100k_base'),
  })
  const other = compilePacket(example, await tools('cl100k_base')).packet
  expect(other.tokenizer).toBe('cl100k_base')
  expect(other.digest).not.toBe(compilePacket(example, using).packet.digest)
})
