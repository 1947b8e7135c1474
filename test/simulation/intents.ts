/** What the agents of the simulated world ask for: mostly sensible things, now and then not. */

import type { ProposedAction, Seen } from '@signalbox/client'
import { type Intent, makeUuidV7 } from '@signalbox/contract'
import type { Random } from '../support/random.ts'
import { allScopes } from './model/partitions.ts'

interface Option {
  readonly action: string
  readonly from: readonly string[]
  readonly input: (random: Random) => Record<string, unknown>
}

const none = () => ({})
const options: Readonly<Record<string, readonly Option[]>> = {
  stock: [
    { action: 'open', from: ['none'], input: (random) => ({ capacity: random.between(3, 15) }) },
    { action: 'take', from: ['open'], input: (random) => ({ count: random.between(1, 6) }) },
    { action: 'take', from: ['open'], input: (random) => ({ count: random.between(1, 6) }) },
    { action: 'giveBack', from: ['open', 'closed'], input: (random) => ({ count: random.between(1, 4) }) },
    { action: 'close', from: ['open'], input: none },
    { action: 'reopen', from: ['closed'], input: none },
  ],
  account: [
    { action: 'open', from: ['none'], input: (random) => ({ balance: random.between(1, 20) }) },
    {
      action: 'deposit',
      from: ['open', 'frozen'],
      input: (random) => ({ amount: random.between(1, 9), note: random.pick(['', 'für Müller', '"quoted"\n']) }),
    },
    { action: 'withdraw', from: ['open'], input: (random) => ({ amount: random.between(1, 9) }) },
    { action: 'withdraw', from: ['open'], input: (random) => ({ amount: random.between(1, 9) }) },
    { action: 'freeze', from: ['open'], input: none },
    { action: 'thaw', from: ['frozen'], input: none },
  ],
  claim: [
    { action: 'file', from: ['none'], input: (random) => ({ account: random.pick(['one', 'two']), amount: random.between(1, 9) }) },
    { action: 'settle', from: ['filed'], input: none },
  ],
  refund: [
    { action: 'request', from: ['none'], input: (random) => ({ amount: random.between(1, 20) }) },
    { action: 'pay', from: ['requested'], input: none },
    { action: 'pay', from: ['requested'], input: none },
    { action: 'reopen', from: ['lapsed', 'paid'], input: none },
  ],
  listing: [
    { action: 'state', from: ['none', 'known'], input: (random) => ({ price: random.between(1, 20), version: random.between(1, 20) }) },
    { action: 'reprice', from: ['known'], input: (random) => ({ price: random.between(1, 20) }) },
    { action: 'promote', from: ['known'], input: (random) => ({ rank: random.between(1, 20) }) },
    { action: 'rate', from: ['known'], input: (random) => ({ stars: random.between(1, 5) }) },
  ],
  payout: [
    { action: 'ask', from: ['none'], input: (random) => ({ amount: random.between(1, 20) }) },
    { action: 'raise', from: ['asked'], input: (random) => ({ amount: random.between(1, 20) }) },
    { action: 'pay', from: ['asked'], input: none },
    { action: 'pay', from: ['asked'], input: none },
    { action: 'reset', from: ['paid'], input: none },
  ],
  trial: [
    { action: 'begin', from: ['none'], input: (random) => ({ size: random.between(1, 20) }) },
    { action: 'grow', from: ['running'], input: (random) => ({ size: random.between(1, 20) }) },
    { action: 'pause', from: ['running'], input: none },
  ],
  job: [
    { action: 'create', from: ['none'], input: none },
    { action: 'run', from: ['ready'], input: (random) => ({ size: random.between(1, 20) }) },
  ],
}

/** What brings most of a scope into being, in one intent. */
export function openingActions(random: Random): ProposedAction[] {
  return [
    { resource: 'stock/rooms', action: 'open', input: { capacity: random.between(3, 15) } },
    { resource: 'account/one', action: 'open', input: { balance: random.between(5, 20) } },
    { resource: 'account/two', action: 'open', input: { balance: random.between(5, 20) } },
    { resource: 'job/sweep', action: 'create' },
  ]
}

/** Some resources of one scope. */
export function drawResources(random: Random, resources: readonly string[]): readonly string[] {
  const count = Math.min(new Set(resources).size, Number(random.weighted({ 1: 5, 2: 4, 3: 1 })))
  const drawn = new Set<string>()
  while (drawn.size < count) drawn.add(random.pick(resources))
  return [...drawn]
}

/** Actions on resources; with what was seen of them, mostly such as fit their state. */
export function drawActions(random: Random, on: readonly string[], seen: Seen | null): ProposedAction[] {
  // Some of what was seen is only read.
  const acted = seen !== null && on.length > 1 && random.chance(0.3) ? on.slice(1) : on
  return acted.flatMap((resource) => drawAction(random, resource, seen))
}

function drawAction(random: Random, resource: string, seen: Seen | null): ProposedAction[] {
  const all = options[resource.split('/')[0]!]!
  const view = seen?.get(resource)
  const fitting = view === undefined ? all : all.filter(({ from }) => from.includes(view.state))
  // Who has seen nothing takes the resource to be there, mostly.
  const existing = view === undefined && random.chance(0.75) ? all.filter(({ from }) => !from.includes('none')) : fitting
  const { action, input } = random.pick(existing.length > 0 && random.chance(0.85) ? existing : all)
  const drawn: ProposedAction = { resource, action, input: random.chance(0.04) ? { count: 0, amount: 'much' } : input(random) }
  const data = view?.data
  if (action !== 'settle' || data == null || random.chance(0.2)) return [drawn]
  // A claim is settled together with the withdrawal that pays it.
  return [drawn, { resource: `account/${String(data.account)}`, action: 'withdraw', input: { amount: data.amount as number } }]
}

/** Everything that can be wrong with an intent at the door or before its effects; each keeps it an intent that can be written. */
const spoilings = {
  unknownType: (intent) => withAction(intent, { resource: 'ghost/1' }),
  unknownAction: (intent) => withAction(intent, { action: 'vanish' }),
  noResourceName: (intent) => withAction(intent, { resource: 'nothing' }),
  stranger: (intent) => ({ ...intent, agent: 'stranger' }),
  noAgentName: (intent) => ({ ...intent, agent: 'agent 1!' }),
  twice: (intent) => ({ ...intent, actions: [...intent.actions.slice(0, 2), ...intent.actions.slice(0, 1)] }),
  waiting: (intent) => ({ ...intent, onConflict: 'wait' as const }),
  escalating: (intent) => ({ ...intent, onConflict: 'escalate' as const }),
  reservation: (intent) => ({ ...intent, reservation: 'row 7' }),
  otherKindOfId: (intent) => ({ ...intent, intentId: `${intent.intentId.slice(0, 14)}4${intent.intentId.slice(15)}` }),
  upperCaseId: (intent) => ({ ...intent, intentId: intent.intentId.toUpperCase() }),
  futureId: (intent, random, nowMs) => ({ ...intent, intentId: makeUuidV7(nowMs + random.between(3, 12) * 60_000, random.bytes(10)) }),
  oldId: (intent, random, nowMs) => ({ ...intent, intentId: makeUuidV7(nowMs - random.between(90, 150) * 60_000, random.bytes(10)) }),
  noActions: (intent) => ({ ...intent, actions: [] }),
  manyActions: (intent) => ({ ...intent, actions: Array.from({ length: 5 }, () => intent.actions[0]!) }),
  longNote: (intent) => ({ ...intent, note: '"'.repeat(3_000) }),
  hugeNote: (intent) => ({ ...intent, note: 'n'.repeat(5_000) }),
  futureVersion: (intent) => ({ ...intent, reads: [...intent.reads, { resource: 'account/three', version: 7 }] }),
} satisfies Record<string, (intent: Intent, random: Random, nowMs: number) => Intent>

function withAction(intent: Intent, change: Partial<Intent['actions'][number]>): Intent {
  return { ...intent, actions: [{ ...intent.actions[0]!, ...change }, ...intent.actions.slice(1)] }
}

export function spoil(intent: Intent, random: Random, nowMs: number): Intent {
  return spoilings[random.pick(Object.keys(spoilings) as (keyof typeof spoilings)[])](intent, random, nowMs)
}

/** An id used again: for another body in the same scope, or in another scope, where it does not wait: two that are pending cannot come together in one log. */
export function reuse(intent: Intent, random: Random): Intent {
  if (random.chance(0.5)) return { ...intent, note: `again ${random.between(0, 9)}` }
  return { ...intent, scope: random.pick(allScopes), onConflict: 'reject' }
}
