/**
 * Logs in which time passes, agents wait, reserve, ask humans, have effects, claim tasks and go wrong. What is asked next
 * often depends on what was decided before (a lease, a digest, an effect): steps are drawn, and made intents as they are played.
 */
import {
  type Containment,
  containmentOf,
  defaultLimits,
  type EscalationData,
  type Intent,
  type Limits,
  systemScope,
} from '@signalbox/contract'
import { decide, evolve, PartitionState, preparedContracts, type Rules } from '@signalbox/core'
import fc from 'fast-check'
import type { Asked } from './arbitraries.ts'
import { coordinated } from './coordination-contracts.ts'
import { type AskedAction, id, intent, rules, startMs } from './specification.ts'

/** Every rule is on, and every bound near. */
export const contained: Containment = containmentOf({
  breaker: { rejects: 4, ratio: 0.5, openMs: 45_000, probes: 2, opensBeforeQuarantine: 2 },
  repeatedRejects: 5,
  budgets: [
    { agents: ['spender'], intents: 4, pending: 2, amount: 2_000 },
    { agents: ['*'], pending: 4 },
  ],
  maxDepth: 3,
  correlationIntents: 3,
  maxHops: 1,
  maxOffers: 2,
  escalateWithinMs: 300_000,
  shadowAgents: ['trainee'],
})
export const nearLimits: Limits = { ...defaultLimits, timersARecord: 3, waitersARecord: 3, pendingAnAgent: 4 }
export const playedRules: Rules = { ...rules, contracts: preparedContracts(coordinated), limits: nearLimits, containment: contained }

const agents = ['clerk', 'spender', 'rival', 'trainee', 'erp'] as const
const humans = ['human:ann', 'human:bob'] as const
const names = ['a', 'b'] as const
const scopes = ['bank-1', 'bank-2'] as const

const step = fc.record({
  what: fc.nat(999),
  gapMs: fc
    .oneof(
      { weight: 6, arbitrary: fc.constantFrom(0, 1, 900) },
      { weight: 3, arbitrary: fc.constantFrom(10_000, 45_000, 60_000) },
      { weight: 1, arbitrary: fc.constantFrom(300_000, 700_000, 3_700_000) },
    )
    .map((ms): number => ms),
  agent: fc.constantFrom(...agents),
  human: fc.constantFrom(...humans),
  name: fc.constantFrom(...names),
  scope: fc.oneof({ weight: 4, arbitrary: fc.constant(scopes[0]) }, { weight: 1, arbitrary: fc.constant(scopes[1]) }),
  onConflict: fc.constantFrom('reject', 'wait', 'wait', 'escalate'),
  pick: fc.nat(1_000),
  by: fc.integer({ min: 1, max: 8 }),
  isStale: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
})
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never

type Made = { readonly actions: readonly AskedAction[]; readonly more?: Partial<Intent> }

/** What one kind of step asks, in view of the state; null where there is nothing to ask it of. */
type Kind = readonly [weight: number, make: (step: Step, state: PartitionState) => Made | null]

function resources(state: PartitionState, scope: string, type: string): readonly (readonly [string, string, string])[] {
  return [...state.resources()]
    .flatMap(([key, { data, state: name }]) =>
      key.startsWith(`${scope}\u0000${type}/`) ? [[key.slice(scope.length + 1), name, data] as const] : [],
    )
    .sort()
}

function picked<Each>(list: readonly Each[], { pick }: Step): Each | undefined {
  return list[pick % Math.max(1, list.length)]
}

function version(state: PartitionState, { isStale, scope }: Step, resource: string): number {
  const now = state.resourceIn(scope, resource)?.version ?? 0
  return isStale && now > 0 ? now - 1 : now
}

function leaseOf(state: PartitionState, { scope }: Step, resource: string): Partial<Intent> {
  const held = state.resourceIn(scope, `reservation/${resource}`)
  if (held === undefined) return {}
  const { holder, lease } = JSON.parse(held.data)
  return { agent: holder, reservation: lease }
}

const one = (resource: string, action: string, input: object = {}, expectedVersion?: number): Made => ({
  actions: [{ resource, action, input, ...(expectedVersion === undefined ? {} : { expectedVersion }) }],
})

function on(type: string, action: string, input: (step: Step) => object = () => ({})): Kind[1] {
  return (each, state) => one(`${type}/${each.name}`, action, input(each), version(state, each, `${type}/${each.name}`))
}

const verdicts = ['acknowledge', 'assign', 'approve', 'approve', 'approve', 'approve', 'reject', 'amend'] as const

function verdict(each: Step, state: PartitionState): Made | null {
  const found = picked(
    resources(state, each.scope, 'escalation').filter(
      ([, name], index) => name === 'triggered' || name === 'acknowledged' || (index + each.pick) % 9 === 0,
    ),
    each,
  )
  if (found === undefined) return null
  const data = JSON.parse(found[2]) as EscalationData
  const action = verdicts[(each.pick + each.by) % verdicts.length]!
  const digest = each.isStale ? 'another' : data.digest
  const instead = [{ resource: `refund/${each.name}`, action: 'change', input: { cents: each.by * 100 } }]
  const input = {
    reason: 'because',
    ...(action === 'assign' ? { assignee: 'bob' } : {}),
    ...(action === 'approve' || action === 'amend' ? { digest } : {}),
    ...(action === 'amend' ? { actions: instead } : {}),
  }
  return { ...one(found[0], action, input), more: { agent: each.human, onConflict: 'reject' } }
}

/** What the source says, and what agents make of it in between. */
function price({ by, isStale, name, scope }: Step, state: PartitionState): Made {
  const resource = `price/${name}`
  const source = state.resourceIn(scope, `source/${resource}`)
  if (source === undefined) return { ...one(resource, 'learn', { cents: by, name: 'x', at: 1 }), more: { agent: 'erp' } }
  if (by > 4) return one(resource, 'set', { cents: by })
  const at = JSON.parse(source.data).version + (isStale ? 0 : 1)
  return { ...one(resource, 'hear', { cents: by, name: 'x', at }), more: { agent: 'erp' } }
}

/** One waits for more than there is, and others go on using up what there is. */
function crowd(each: Step, state: PartitionState): Made {
  const resource = `seat/${each.name}`
  const found = state.resourceIn(each.scope, resource)
  if (found === undefined) return one(resource, 'open', { left: 6 })
  const { left } = JSON.parse(found.data)
  const isWaitedFor = state.coordination.pending.waitersFor(each.scope, resource).length > 0
  if (!isWaitedFor) return { ...one(resource, 'use', { by: left + 2 }), more: { onConflict: 'wait', agent: 'clerk' } }
  return left < 1 ? one(resource, 'fill', { by: each.by }) : one(resource, 'use', { by: 1 })
}

/** A task from hand to hand. */
function relay({ agent, name, scope }: Step, state: PartitionState): Made {
  const [task, handoff] = [`task/${name}`, `handoff/${name}`]
  const found = state.resourceIn(scope, task)
  if (found === undefined || found.state === 'failed') return one(task, 'offer', { title: 't', leaseMs: 600_000 })
  if (found.state !== 'claimed') return { ...one(task, 'claim'), more: { agent } }
  if (state.resourceIn(scope, handoff)?.state === 'offered')
    return { ...one(handoff, 'accept', { readback: 'd' }), more: { agent: 'rival' } }
  const { claimedBy } = JSON.parse(found.data)
  return { ...one(handoff, 'offer', { to: 'rival', task, seal: rules.sha256('d'), position: '0:1' }), more: { agent: claimedBy } }
}

const kinds: readonly Kind[] = [
  [8, on('seat', 'open', ({ by }) => ({ left: by }))],
  [14, on('seat', 'use', ({ by }) => ({ by }))],
  [8, on('seat', 'fill', ({ by }) => ({ by: by * 3 }))],
  [6, on('seat', 'book', () => ({ who: 'x' }))],
  [5, on('seat', 'free')],
  [4, on('seat', 'label', () => ({ who: 'y' }))],
  [
    3,
    (each, state) => ({
      ...one(`seat/${each.name}`, 'usurp', { who: 'z' }, version(state, each, `seat/${each.name}`)),
      more: { priority: each.by },
    }),
  ],
  [3, on('seat', 'follow', ({ name }) => ({ other: name === 'a' ? 'b' : 'a' }))],
  [7, (each, state) => ({ ...one(`seat/${each.name}`, 'use', { by: 1 }), more: leaseOf(state, each, `seat/${each.name}`) })],
  [9, (each) => ({ ...one(`reservation/seat/${each.name}`, 'take', { forMs: each.by * 8_000 }), more: { priority: each.pick % 4 } })],
  [
    3,
    (each, state) => ({
      ...one(`reservation/seat/${each.name}`, each.isStale ? 'renew' : 'release', each.isStale ? { forMs: 20_000 } : {}),
      more:
        leaseOf(state, each, `seat/${each.name}`).agent === undefined ? {} : { agent: leaseOf(state, each, `seat/${each.name}`).agent! },
    }),
  ],
  [5, on('ticket', 'open', ({ by }) => ({ note: by === 1 ? 'stuck' : by === 2 ? 'broken' : '' }))],
  [3, (each) => one(`ticket/${each.name}`, ['touch', 'reopen', 'park', 'shut'][each.pick % 4]!)],
  [4, on('page', 'open', () => ({ title: 't', body: 'b', tags: [] }))],
  [
    6,
    (each, state) =>
      one(
        `page/${each.name}`,
        'edit',
        { [['title', 'body'][each.pick % 2]!]: `${each.by}` },
        Math.max(1, version(state, each, `page/${each.name}`) - (each.by % 3)),
      ),
  ],
  [9, on('refund', 'ask', ({ by, pick }) => ({ cents: [13, by * 100, 5_000, 50_000][pick % 4]! }))],
  [
    12,
    (each, state) => ({
      ...one(`refund/${each.name}`, 'pay', {}, version(state, each, `refund/${each.name}`)),
      more: each.by === 1 ? { confidence: 0.1 } : {},
    }),
  ],
  [3, on('refund', 'remind')],
  [4, on('refund', 'correct', ({ by }) => ({ cents: by * 1_500 }))],
  [3, on('refund', 'change', ({ by }) => ({ cents: by * 1_500 }))],
  [3, on('refund', 'reverse')],
  [3, on('pilot', 'start', () => ({ step: 1 }))],
  [3, on('pilot', 'step')],
  [10, price],
  [22, verdict],
  [
    8,
    (each, state) => {
      const found = picked(resources(state, each.scope, 'effect'), each)
      if (found === undefined) return null
      const { agent } = JSON.parse(found[2])
      return {
        ...one(found[0], each.by > 5 ? 'failed' : 'done', each.by > 5 ? { reason: 'no' } : {}),
        more: { agent: each.isStale ? 'rival' : agent },
      }
    },
  ],
  [
    6,
    (each, state) => {
      const found = picked(
        [...state.coordination.pending.all()].sort((a, b) => (a.intentId < b.intentId ? -1 : 1)),
        each,
      )
      if (found === undefined) return null
      return {
        ...one(`intent/${found.intentId}`, 'withdraw'),
        more: { agent: each.by < 5 ? found.agent : each.by < 7 ? each.human : 'rival', scope: found.scope },
      }
    },
  ],
  [
    4,
    on('task', 'offer', ({ by }) => ({
      title: 't',
      leaseMs: by * 10_000,
      ...(by === 1 ? { needs: ['french'] } : {}),
      ...(by > 6 ? { claimWithinMs: 30_000 } : {}),
    })),
  ],
  [6, (each) => one(`task/${each.name}`, ['claim', 'claim', 'renew', 'done'][each.pick % 4]!)],
  [2, (each) => one(`task/${each.name}`, each.isStale ? 'cancel' : 'fail', { reason: 'x' })],
  [
    3,
    (each) =>
      one(`handoff/${each.name}`, 'offer', {
        to: 'rival',
        task: `task/${each.name}`,
        seal: rules.sha256('d'),
        position: '0:1',
        references: [{ resource: 'seat/a', version: 1 }],
      }),
  ],
  [3, (each) => ({ ...one(`handoff/${each.name}`, 'accept', { readback: each.isStale ? 'e' : 'd' }), more: { agent: 'rival' } })],
  [1, (each) => ({ ...one(`handoff/${each.name}`, 'decline', { reason: 'x' }), more: { agent: 'rival' } })],
  [2, (each) => ({ ...one(`agent/${each.agent}`, 'declare', { capabilities: ['french'] }), more: { agent: each.agent } })],
  [2, (each) => ({ ...one(`agent/${each.agent}`, 'release', { reason: 'x' }), more: { agent: each.human } })],
  [6, () => ({ ...one('clock/tick', 'tick'), more: { agent: 'clock', scope: systemScope(0, 1) } })],
  [
    4,
    (each) => ({
      actions: [
        { resource: 'seat/a', action: 'use', input: { by: each.by } },
        { resource: 'seat/b', action: 'use', input: { by: each.by } },
      ],
    }),
  ],
  [
    2,
    (each) => ({
      actions: names.map((name) => ({ resource: `reservation/seat/${name}`, action: 'take', input: { forMs: each.by * 5_000 } })),
    }),
  ],
  [4, ({ name }) => one(`seat/${name}`, 'label', { who: 'unseen' })],
  [2, ({ name }) => ({ ...one(`seat/${name}`, 'use', { by: 1 }), more: { reservation: 'nothing' } })],
  [2, ({ name }) => one(`seat/${name}`, 'fill', { by: 200 })],
  [2, ({ name, pick }) => one(`${['reservation/seat', 'effect', 'escalation', 'task'][pick % 4]!}/${name}`, 'lapse')],
  [6, ({ name }) => ({ ...one(`seat/${name}`, 'use', { by: 1 }), more: { onConflict: 'reject' } })],
  [12, crowd],
  [9, relay],
  [
    4,
    ({ name, pick }) => ({ ...one(`seat/${name}`, 'use', { by: 1 }), more: { causationId: 'mail-1', correlationId: `work-${pick % 2}` } }),
  ],
]

/** Without these, the others find nothing to act on. */
const openers: readonly Kind[] = kinds.filter((_, index) => [0, 1, 15, 16].includes(index))

/** Who wrote last, or has an effect to report, is put in quarantine; and then reports. */
function blame({ by, name, scope }: Step, state: PartitionState): Made | null {
  const effect = by > 4 ? resources(state, scope, 'effect').find(([, condition]) => condition === 'pending') : undefined
  const agent = effect === undefined ? state.resourceIn(scope, `seat/${name}`)?.lastChange.agent : JSON.parse(effect[2]).agent
  if (agent === undefined) return null
  if (!state.coordination.quarantines.has(agent)) {
    const input = { reason: 'x', taintedSinceMs: Math.max(startMs, state.time - 60_000) }
    return { ...one(`agent/${agent}`, 'quarantine', input), more: { agent: 'process-manager', scope: systemScope(0, 1) } }
  }
  return effect === undefined
    ? { ...one(`seat/${name}`, 'use', { by: 1 }), more: { agent: 'erp' } }
    : { ...one(effect[0], 'done'), more: { agent } }
}

const quarantines: readonly Kind[] = [
  [5, blame],
  [
    3,
    ({ agent, isStale }, state) => ({
      ...one(`agent/${agent}`, 'quarantine', { reason: 'x', taintedSinceMs: isStale ? null : Math.max(startMs, state.time - 60_000) }),
      more: { agent: 'process-manager', scope: systemScope(0, 1) },
    }),
  ],
  [
    5,
    ({ agent }) => ({ ...one(`agent/${agent}`, 'release', { reason: 'x' }), more: { agent: 'process-manager', scope: systemScope(0, 1) } }),
  ],
]

function kindOf(all: readonly Kind[], what: number): Kind[1] {
  let rest = (what * 7_919) % all.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, make] of all) {
    if (rest < weight) return make
    rest -= weight
  }
  throw new Error('no kind of step')
}

/** Makes intents of steps, each on what was decided of those before it. */
function play(steps: readonly Step[], all: readonly Kind[], from: number): readonly Asked[] {
  const state = new PartitionState(0, nearLimits)
  const list: Asked[] = []
  let nowMs = startMs
  for (const [index, each] of steps.entries()) {
    nowMs += each.gapMs
    const made = kindOf(all, each.what)(each, state)
    // Now and then one is sent again.
    const again = each.pick % 17 === 0 ? list[each.what % Math.max(1, list.length)]?.intent : undefined
    if (made === null && again === undefined) continue
    const asked = again ?? intentOf(each, made!, id(from + index, nowMs), list.at(-1)?.intent)
    list.push({ intent: asked, timestampMs: nowMs })
    for (const event of decide(state, { offset: state.nextOffset, timestampMs: nowMs, intent: asked, problem: null }, playedRules))
      evolve(state, event)
  }
  return list
}

function intentOf(
  { agent, by, onConflict, pick, scope }: Step,
  { actions, more }: Made,
  intentId: string,
  last: Intent | undefined,
): Intent {
  const caused = pick % 5 === 0 && last !== undefined ? { causationId: last.intentId, correlationId: last.correlationId } : {}
  const reads = pick % 11 === 0 ? [{ resource: 'refund/a', version: by % 3 }] : []
  const conflict = onConflict as Intent['onConflict']
  return intent(actions, { intentId, scope, agent, onConflict: conflict, reads, ...caused, ...more })
}

/** Each log is about some of the kinds: of all at once, each comes too seldom to meet itself. */
function logs(all: readonly Kind[], maxLength: number, from: number): fc.Arbitrary<readonly Asked[]> {
  const some = fc.subarray([...all.keys()], { minLength: 1 })
  const drawn = fc.array(step, { minLength: 1, maxLength, size: 'max' })
  // In some logs time hardly passes: what is counted in a window adds up.
  const pace = fc.constantFrom(1, 0.3, 0.01)
  return fc.tuple(some, drawn, pace).map(([chosen, list, part]) =>
    play(
      list.map((each) => ({ ...each, gapMs: Math.floor(each.gapMs * part) })),
      [...openers, ...chosen.map((index) => all[index]!)],
      from,
    ),
  )
}

/** Anything may happen. */
export const playedList = logs([...kinds, ...quarantines], 110, 10_000)
/** Likewise, with other ids. */
export const playedNext = logs([...kinds, ...quarantines], 25, 20_000)
/** Without what concerns all scopes at once. */
export const playedApart = logs(kinds, 90, 10_000)
