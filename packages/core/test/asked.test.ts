/** Who is asked sees what they agree to, and the digest is of all of it. */
import { sha256 } from '@signalbox/codec'
import { canonicalize, contractSet, defineContract, type EscalationData, none } from '@signalbox/contract'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { owner } from './contracts.ts'
import { Story } from './specification.ts'

const paper = defineContract({
  type: 'paper',
  version: 1,
  owner,
  data: z.looseObject({ text: z.any(), cents: z.int() }),
  states: ['draft', 'sent'],
  actions: {
    write: { from: none, to: 'draft', input: z.looseObject({ text: z.any(), cents: z.int() }) },
    correct: { from: 'draft', input: z.strictObject({ cents: z.int() }), apply: ({ data, input }) => ({ ...data, ...input }) },
    send: {
      from: 'draft',
      to: 'sent',
      input: z.looseObject({ to: z.string() }),
      guard: ({ data }) => data.cents < 1_000,
      apply: ({ data, input }) => ({ ...data, sentTo: input.to }),
      escalate: [{ reason: 'OUTBOUND', when: () => true, to: 'leads' }],
    },
  },
})

function asked(options: { text?: unknown; note?: string; to?: string; input?: object; more?: object } = {}) {
  const { input = {}, more = {}, note, text = 'hello', to = 'a@example.org' } = options
  const story = new Story({ contracts: contractSet([paper]) })
  story.when({ resource: 'paper/p', action: 'write', input: { text, cents: 5 } })
  const outcome = story.when(
    { resource: 'paper/p', action: 'send', input: { to, ...input } },
    { note: note ?? null, reads: [{ resource: 'paper/p', version: 1 }], confidence: 0.9, ...more },
  )
  const name = (outcome.events[0]!.payload as { escalation: string }).escalation
  const data = () => story.resource(name).data as EscalationData
  const approve = (digest = data().digest) =>
    story.when({ resource: name, action: 'approve', input: { reason: 'fine', digest } }, { agent: 'human:ann' })
  return { story, name, data, approve }
}

test('actions with their input, the note, the data as it is and as it would be', () => {
  const { data } = asked({ note: 'the customer waits' })
  expect(data().asked).toEqual({
    intent: expect.any(String),
    note: 'the customer waits',
    confidence: 0.9,
    actions: [{ resource: 'paper/p', action: 'send', input: { to: 'a@example.org' } }],
    resources: [
      {
        resource: 'paper/p',
        version: 1,
        state: 'draft',
        data: { text: 'hello', cents: 5 },
        dataDigest: sha256(canonicalize({ text: 'hello', cents: 5 })),
        after: {
          action: 'send',
          state: 'sent',
          data: { text: 'hello', cents: 5, sentTo: 'a@example.org' },
          dataDigest: sha256(canonicalize({ text: 'hello', cents: 5, sentTo: 'a@example.org' })),
        },
      },
    ],
    isComplete: true,
  })
})

test('the digest is another where anything of it is another', () => {
  const digests = [
    asked(),
    asked({ note: 'x' }),
    asked({ to: 'b@example.org' }),
    asked({ text: 'bye' }),
    asked({ more: { confidence: 0.1 } }),
  ]
  expect(new Set(digests.map(({ data }) => data().digest)).size).toBe(digests.length)
  const { data } = asked()
  expect(data().digest).toBe(sha256(canonicalize({ asked: data().asked, versions: data().versions })))
})

test('what a guard stands against would become nothing', () => {
  const story = new Story({ contracts: contractSet([paper]) })
  story.when({ resource: 'paper/p', action: 'write', input: { text: '', cents: 5_000 } })
  const { events } = story.when({ resource: 'paper/p', action: 'send', input: { to: 'x' }, expectedVersion: 1 }, { onConflict: 'escalate' })
  const { escalation } = events[0]!.payload as { escalation: string }
  expect(story.resource(escalation).data.asked.resources).toMatchObject([{ data: { cents: 5_000 }, after: null }])
})

test('after the world has moved, it is shown as it is', () => {
  const { approve, data, name, story } = asked()
  const { digest } = data()
  story.when({ resource: 'paper/p', action: 'correct', input: { cents: 7 }, expectedVersion: 1 })
  expect(approve(digest).summary).toEqual(['rejected VERDICT_REFUSED', `verdict renew ${name} triggered`])
  expect(data().asked!.resources).toMatchObject([
    { version: 2, data: { cents: 7 }, after: { data: { cents: 7, sentTo: 'a@example.org' } } },
  ])
  expect(approve().summary[1]).toContain('committed send paper/p sent')
})

describe('what has no room is left out, and its digest stands for it', () => {
  const large = 'x'.repeat(50_000)
  let nested: unknown = 1
  for (let depth = 0; depth < 60; depth++) nested = [nested]

  test.each<[string, Parameters<typeof asked>[0]]>([
    ['large data', { text: large }],
    ['large input', { input: { page: large } }],
    ['data that nests as deep as it may', { text: nested }],
    ['input that nests as deep as it may', { input: { page: nested } }],
  ])('%s', (_what, options) => {
    const { approve, data } = asked(options)
    expect(data().asked!.isComplete).toBe(false)
    expect(canonicalize(data()).length).toBeLessThan(60_000)
    expect(approve().summary[1]).toContain('committed send paper/p sent')
  })
})

describe('an intent under a lease that has ended meanwhile', () => {
  function underLease() {
    const story = new Story({ contracts: contractSet([paper]) })
    story.when({ resource: 'paper/p', action: 'write', input: { text: '', cents: 5 } })
    const taken = story.when({ resource: 'reservation/paper/p', action: 'take', input: { forMs: 60_000 } }, { agent: 'clerk' })
    const { intentId } = taken.events[0]!.payload as { intentId: string }
    const { events } = story.when(
      { resource: 'paper/p', action: 'send', input: { to: 'x' }, expectedVersion: 1 },
      { agent: 'clerk', reservation: intentId },
    )
    const { escalation } = events[0]!.payload as { escalation: string }
    const approve = () =>
      story.when(
        { resource: escalation, action: 'approve', input: { reason: 'fine', digest: story.resource(escalation).data.digest } },
        { agent: 'human:ann' },
      )
    return { story, approve, lease: intentId }
  }

  test('can be approved where nothing else moved', () => {
    const { approve, story } = underLease()
    story.passes(120_000)
    expect(approve().summary.find((each) => each.startsWith('committed send'))).toBe('committed send paper/p sent')
  })

  test('can be approved after its holder has given the lease back', () => {
    const { approve, lease, story } = underLease()
    story.when({ resource: 'reservation/paper/p', action: 'release' }, { agent: 'clerk', reservation: lease })
    expect(approve().summary.find((each) => each.startsWith('committed send'))).toBe('committed send paper/p sent')
  })

  test('cannot while another holds it: the human is told who, and until when', () => {
    const { approve, story } = underLease()
    story.passes(120_000)
    story.when({ resource: 'reservation/paper/p', action: 'take', input: { forMs: 60_000 } }, { agent: 'other' })
    approve().says('IntentRejected', { code: 'VERDICT_REFUSED', message: expect.stringContaining('reserved by other') })
  })
})
