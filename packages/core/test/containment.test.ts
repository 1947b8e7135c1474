/** What holds an agent's errors where they are: breakers, loops, budgets, chains, quarantine. */
import { homeScope, systemScope } from '@signalbox/contract'
import { describe, expect, test } from 'vitest'
import { id, type Outcome, Story, startMs } from './specification.ts'

const open = { resource: 'seat/a', action: 'open', input: { left: 50 } }
const use = (by = 1) => ({ resource: 'seat/a', action: 'use', input: { by } })
const wrong = use(1_000)
const bad = { agent: 'bad' }

function seat(containment: NonNullable<ConstructorParameters<typeof Story>[0]>['containment'] = {}): Story {
  const story = new Story({ containment })
  story.when(open)
  return story
}

function retryAfterMs({ events }: Outcome): number {
  const own = events.find(({ type }) => type === 'IntentRejected')
  return own?.type === 'IntentRejected' ? (own.payload.retryAfterMs ?? -1) : -1
}

describe('a breaker', () => {
  const breaker = { rejects: 3, ratio: 0.5, openMs: 30_000, probes: 2, opensBeforeQuarantine: 2 }

  function opened(): Story {
    const story = seat({ breaker })
    story.when(wrong, bad)
    story.when(wrong, bad)
    expect(story.when(wrong, bad).summary).toEqual([
      'rejected GUARD_REFUSED',
      'breaker open agent/bad open',
      'breaker trigger escalation/breaker-bad triggered',
    ])
    return story
  }

  test('opens when so much went wrong, and holds its agent in this scope', () => {
    const story = opened()
    story.passes(10_000).when(use(), bad).rejects('BREAKER_OPEN', { resource: 'agent/bad', retryAfterMs: 20_000 })
    story.when(use()).commits({})
    story.when(open, { ...bad, scope: 'bank-2' }).commits({})
    expect(story.resource('escalation/breaker-bad').data).toMatchObject({ cause: 'BREAKER_OPEN', to: 'operators', agent: 'bad' })
  })

  test('does not open while most goes well', () => {
    const story = seat({ breaker })
    for (let number = 0; number < 4; number++) story.when(use(), bad)
    for (let number = 0; number < 3; number++) expect(story.when(wrong, bad).events).toHaveLength(1)
    expect(story.when(wrong, bad).events).toHaveLength(3)
  })

  test('does not count what lies on the wrong partition: its scope is kept elsewhere', () => {
    const story = seat({ repeatedRejects: 2 })
    const settings = { partitionCount: 64 }
    for (let number = 0; number < 3; number++) expect(story.when(use(), bad, settings).rejects('WRONG_PARTITION').events).toHaveLength(1)
    story.when(use(), bad).commits({})
  })

  test('does not hold back what makes things better', () => {
    const story = seat({ breaker })
    story.when({ resource: 'reservation/seat/a', action: 'take', input: { forMs: 60_000 } }, bad)
    for (let number = 0; number < 4; number++) story.when(wrong, bad)
    story.when({ resource: 'reservation/seat/a', action: 'renew', input: { forMs: 60_000 } }, bad).rejects('BREAKER_OPEN')
    story.when({ resource: 'reservation/seat/a', action: 'release' }, bad).commits({ state: 'ended' })
    // But nothing else in its company.
    story.when([{ resource: 'reservation/seat/a', action: 'release' }, use()], bad).rejects('BREAKER_OPEN')
  })

  test('lets it try after a while, and closes when that goes well', () => {
    const story = opened()
    story.passes(30_000)
    expect(story.when(use(), bad).summary).toEqual([
      'timer try agent/bad half-open',
      'committed use seat/a free',
      'breaker probe agent/bad half-open',
    ])
    expect(story.when(use(), bad).summary).toEqual([
      'committed use seat/a free',
      'breaker close agent/bad active',
      'escalation close escalation/breaker-bad resolved',
    ])
    // It begins anew.
    expect(story.when(wrong, bad).events).toHaveLength(1)
    expect(story.when(use(), bad).events).toHaveLength(1)
  })

  test('opens again at the first that goes wrong, and then says that the agent is to be put in quarantine', () => {
    const story = opened()
    const outcome = story.passes(30_000).when(wrong, bad)
    expect(outcome.summary).toEqual([
      'timer try agent/bad half-open',
      'rejected GUARD_REFUSED',
      'breaker open agent/bad open',
      'breaker again escalation/breaker-bad triggered',
    ])
    outcome.says('RuleApplied', { rule: 'breaker', details: '{"quarantine":true}' })
    expect(story.resource('agent/bad').data).toMatchObject({ opens: 2 })
  })

  test('is closed by a human at once; not by the agent, and not by another', () => {
    const story = opened()
    const release = (agent: string) => story.when({ resource: 'agent/bad', action: 'release', input: { reason: 'mended' } }, { agent })
    release('bad').rejects('BREAKER_OPEN')
    release('accomplice').rejects('AGENT_NOT_ALLOWED')
    expect(release('human:ann').summary).toEqual(['committed release agent/bad active', 'escalation close escalation/breaker-bad resolved'])
    story.when(use(), bad).commits({})
  })

  test('keeps what the agent has declared', () => {
    const story = opened()
    story.passes(30_000).when({ resource: 'agent/bad', action: 'declare', input: { capabilities: ['x'] } }, bad)
    expect(story.resource('agent/bad')).toMatchObject({ state: 'half-open', data: { capabilities: ['x'], opens: 1 } })
  })

  test('does not open for what Signalbox does itself', () => {
    const story = seat({ breaker, repeatedRejects: 2 })
    for (let number = 0; number < 5; number++) expect(story.when(wrong, { agent: 'process-manager' }).events).toHaveLength(1)
  })
})

describe('a loop', () => {
  test('the same reject of the same resource in a row opens the breaker; another in between does not count on', () => {
    const story = seat({ repeatedRejects: 3 })
    for (let number = 0; number < 2; number++) story.when(wrong, bad)
    story.when(use(), bad)
    for (let number = 0; number < 2; number++) expect(story.when(wrong, bad).events).toHaveLength(1)
    expect(story.when({ ...wrong, resource: 'seat/none' }, bad).events).toHaveLength(1)
    for (let number = 0; number < 2; number++) expect(story.when(wrong, bad).events).toHaveLength(1)
    const outcome = story.when(wrong, bad)
    expect(outcome.summary[1]).toBe('breaker open agent/bad open')
    outcome.says('RuleApplied', { message: expect.stringContaining('GUARD_REFUSED seat/a') })
  })
})

describe('a budget', () => {
  test('of intents a window: what is over it is told when there is room, and that is true', () => {
    const story = seat({
      budgets: [
        { agents: ['bad'], intents: 3 },
        { agents: ['*'], intents: 1_000 },
      ],
    })
    for (const ms of [0, 11_000, 9_000]) story.passes(ms).when(use(), bad)
    for (let number = 0; number < 20; number++) {
      const outcome = story.when(use(), bad)
      const afterMs = retryAfterMs(outcome)
      expect(outcome.summary).toEqual(['rejected BUDGET_EXCEEDED'])
      expect(afterMs).toBeGreaterThan(0)
      // Neither too early, nor later than it must be.
      story
        .passes(afterMs - 1)
        .when(use(), bad)
        .rejects('BUDGET_EXCEEDED', { retryAfterMs: 1 })
      story.passes(1).when(use(), bad).commits({})
    }
    story.when(use()).commits({})
  })

  test('what is turned away does not use it up', () => {
    const story = seat({ budgets: [{ agents: ['bad'], intents: 2 }] })
    for (let number = 0; number < 2; number++) story.when(use(), bad)
    for (let number = 0; number < 50; number++)
      story.when(use(), bad).rejects('BUDGET_EXCEEDED', { details: '{"budget":"intents","limit":2,"used":2}' })
    story.passes(120_000).when(use(), bad).commits({})
  })

  test('of nothing lets nothing, and names no time', () => {
    const story = seat({ budgets: [{ agents: ['bad'], intents: 0 }] })
    story.when(use(), bad).rejects('BUDGET_EXCEEDED', { retryAfterMs: null, message: expect.stringContaining('time alone does not') })
  })

  test('of what is pending at a time', () => {
    const story = seat({ budgets: [{ agents: ['bad'], pending: 1 }] })
    const event = story.when(wrong, { ...bad, onConflict: 'wait' }).events[0]!
    story.when(wrong, { ...bad, onConflict: 'wait' }).rejects('BUDGET_EXCEEDED', { details: '{"budget":"pending","limit":1,"used":1}' })
    story.when(wrong, { ...bad, onConflict: 'escalate' }).rejects('BUDGET_EXCEEDED')
    const id = event.type === 'IntentPending' ? event.payload.intentId : ''
    story.when({ resource: `intent/${id}`, action: 'withdraw' }, bad)
    expect(story.when(wrong, { ...bad, onConflict: 'wait' }).summary).toEqual(['pending waiting GUARD_REFUSED'])
  })

  test('of declared amounts: with what a human approves, and never more', () => {
    const story = seat({ budgets: [{ agents: ['bad'], amount: 1_000 }] })
    const pay = (name: string, cents: number) => {
      story.when({ resource: `refund/${name}`, action: 'ask', input: { cents } })
      return story.when({ resource: `refund/${name}`, action: 'pay', expectedVersion: 1 }, bad)
    }
    pay('a', 600).says('IntentCommitted', { amount: 600 })
    const outcome = pay('b', 500).rejects('BUDGET_EXCEEDED', { details: '{"budget":"amount","limit":1000,"used":600}' })
    pay('c', 400).says('IntentCommitted', { amount: 400 })
    pay('d', 1_001).rejects('BUDGET_EXCEEDED', { retryAfterMs: null })
    expect(retryAfterMs(outcome)).toBeGreaterThan(0)
    story.passes(120_000)
    pay('e', 1_000).says('IntentCommitted', { amount: 1_000 })
    const again = pay('f', 1)
    story.passes(retryAfterMs(again))
    pay('g', 1).says('IntentCommitted', { amount: 1 })
  })

  test('does not hold back a report, and is another in another scope', () => {
    const story = seat({ budgets: [{ agents: ['bad'], intents: 1 }] })
    story.when({ resource: 'refund/r', action: 'ask', input: { cents: 1 } })
    const { events } = story.when({ resource: 'refund/r', action: 'pay', expectedVersion: 1 }, bad)
    const effect = events[0]!.type === 'IntentCommitted' ? events[0]!.payload.changes[1]!.resource : ''
    story.when(use(), bad).rejects('BUDGET_EXCEEDED')
    story.when({ resource: effect, action: 'done' }, bad).commits({ state: 'done' })
    story.when(open, { ...bad, scope: 'bank-2' }).commits({})
  })
})

describe('a chain', () => {
  test('of intents, each caused by the one before, has a depth', () => {
    const story = seat({ maxDepth: 3 })
    let causationId = 'mail-1'
    for (let depth = 1; depth <= 4; depth++) {
      const outcome = story.when(use(), { causationId })
      if (depth === 4) outcome.rejects('CHAIN_TOO_DEEP', { details: '{"depth":4,"limit":3}' })
      const event = outcome.events[0]!
      causationId = event.type === 'IntentCommitted' ? event.payload.intentId : ''
    }
    story.when(use()).commits({})
  })

  test('of one correlation may ask so much of a scope in the window', () => {
    const story = seat({ correlationIntents: 2 })
    const caused = { causationId: 'mail-1', correlationId: 'work-1' }
    for (let number = 0; number < 2; number++) story.when(use(), caused).commits({})
    story.when(use(), caused).rejects('CORRELATION_EXHAUSTED', { details: '{"count":2,"limit":2}' })
    story.when(use(), { ...caused, correlationId: 'work-2' }).commits({})
    story.passes(120_000).when(use(), caused).commits({})
  })

  test('is not moved by what did not get through the door', () => {
    const story = seat({ maxDepth: 2 })
    const event = story.when(use()).events[0]!
    const intentId = event.type === 'IntentCommitted' ? event.payload.intentId : ''
    // Under the same id, by another, with a long chain behind it.
    const first = story.when(use(), { causationId: 'x' }).events[0]!
    const deep = first.type === 'IntentCommitted' ? first.payload.intentId : ''
    story.when(use(), { intentId, causationId: deep, agent: 'bad' }).rejects('INTENT_ID_REUSED')
    story.when(use(), { causationId: intentId }).commits({})
    const last = story.events.at(-1)!
    story.when(use(), { causationId: last.type === 'IntentCommitted' ? last.payload.intentId : '' }).commits({})
  })
})

describe('a quarantine', () => {
  test('holds its agent in every scope of the partition, until it is released; effects may be reported', () => {
    const story = seat()
    story.when({ resource: 'refund/r', action: 'ask', input: { cents: 1 } })
    const { events } = story.when({ resource: 'refund/r', action: 'pay', expectedVersion: 1 }, bad)
    const effect = events[0]!.type === 'IntentCommitted' ? events[0]!.payload.changes[1]!.resource : ''
    story.quarantines('bad')
    for (const scope of ['bank-1', 'bank-2']) {
      story
        .when(open, { ...bad, scope })
        .rejects('AGENT_QUARANTINED', { details: JSON.stringify({ reason: 'it went wrong', sinceMs: startMs }) })
    }
    story.when({ resource: 'reservation/seat/a', action: 'release' }, bad).rejects('AGENT_QUARANTINED')
    story.when({ resource: effect, action: 'done' }, bad).commits({ state: 'done' })
    story.when(use()).commits({})
    story.releases('bad')
    story.when(use(), bad).commits({})
  })

  test('ends leases for good: its end does not bring them back', () => {
    const story = seat()
    const take = { resource: 'reservation/seat/a', action: 'take', input: { forMs: 60_000 } }
    const lease = story.when(take, bad).events[0]!.payload as { readonly intentId: string }
    story.quarantines('bad')
    story.releases('bad')
    story.when(use(), { ...bad, reservation: lease.intentId }).rejects('RESERVATION_EXPIRED')
    story.when({ ...take, action: 'renew' }, bad).rejects('RESERVATION_EXPIRED')
    story.when(use()).commits({})
    story.when(take, bad).commits({ state: 'held' })
    story.when(use()).rejects('RESERVED')
  })

  test('is asked for by a human or the process manager, in the home scope of the agent or for the partition', () => {
    const story = seat()
    const ask = (agent: string, scope: string) =>
      story.when({ resource: 'agent/bad', action: 'quarantine', input: { reason: 'x' } }, { agent, scope })
    ask('rival', homeScope('bad')).rejects('AGENT_NOT_ALLOWED')
    ask('human:ann', 'bank-1').rejects('GUARD_REFUSED', { details: expect.stringContaining('WRONG_SCOPE') })
    ask('human:ann', homeScope('other')).rejects('GUARD_REFUSED', { details: expect.stringContaining('WRONG_SCOPE') })
    ask('human:ann', `${systemScope(0, 1)}9`).rejects('GUARD_REFUSED', { details: expect.stringContaining('WRONG_SCOPE') })
    ask('human:ann', homeScope('bad')).commits({ state: 'quarantined' })
    // In the home scope it is asked for; in force it is from the event of each partition.
    story.when(use(), bad).commits({})
    ask('process-manager', systemScope(0, 1)).commits({ state: 'quarantined' })
    story.when(use(), bad).rejects('AGENT_QUARANTINED')
  })

  test('cannot be kept away by a breaker that is open in the home scope, nor be lifted by one', () => {
    const story = seat({ repeatedRejects: 2 })
    const scope = homeScope('bad')
    for (let number = 0; number < 2; number++) story.when(wrong, { ...bad, scope })
    const quarantine = { resource: 'agent/bad', action: 'quarantine', input: { reason: 'x' } }
    story.when(quarantine, { agent: 'human:ann', scope }).commits({ fromState: 'open', state: 'quarantined', timer: null })
    for (let number = 0; number < 3; number++) story.when(wrong, { ...bad, scope }).rejects('STATE_CONFLICT')
    story.quarantines('bad')
    for (let number = 0; number < 3; number++) story.when(wrong, { ...bad, scope }).rejects('AGENT_QUARANTINED')
  })

  test('does not let anyone else speak for an agent', () => {
    const story = seat()
    story.when({ resource: 'agent/bad', action: 'declare', input: { capabilities: ['x'] } }).rejects('GUARD_REFUSED', {
      details: expect.stringContaining('NOT_YOURS'),
    })
    for (const action of ['try', 'open', 'probe', 'close'])
      story.when({ resource: 'agent/bad', action }, { agent: 'human:ann' }).rejects('AGENT_NOT_ALLOWED')
  })
})

test('what is counted is forgotten when it says nothing any more, however batches overlap', () => {
  const story = seat({ correlationIntents: 100 })
  story.state.begin()
  for (let number = 0; number < 50; number++) {
    story.state.begin()
    story.passes(120_000).when(use(1), { agent: `agent-${number}`, causationId: 'x', correlationId: `work-${number}` })
    story.state.publish()
  }
  expect([...story.state.coordination.tallies.all()].length).toBeLessThan(6)
  expect(story.state.coordination.correlations.size).toBeLessThan(6)
  expect(story.state.coordination.chain.size).toBeLessThan(40)
})

describe('a chain over several partitions', () => {
  const opened = () => seat({ maxDepth: 5, correlationIntents: 3 })

  test('is as long as the intent says of its cause, which lies elsewhere', () => {
    const story = opened()
    story.when(use(), { causationId: 'elsewhere', causationDepth: 4 }).commits({})
    story.when(use(), { causationId: 'elsewhere', causationDepth: 5 }).rejects('CHAIN_TOO_DEEP', { details: '{"depth":6,"limit":5}' })
  })

  test('is no shorter than what this partition knows', () => {
    const story = opened()
    let cause = 'elsewhere'
    for (let depth = 1; depth <= 5; depth++) {
      const { events } = story.when(use(), { causationId: cause, causationDepth: depth === 1 ? 0 : null, correlationId: `w-${depth}` })
      cause = (events[0]!.payload as { intentId: string }).intentId
    }
    story.when(use(), { causationId: cause, causationDepth: 0 }).rejects('CHAIN_TOO_DEEP')
  })

  test('goes on through what another partition decided', () => {
    // Two partitions, an agent in each: each answers the other, with the depth that the cause has.
    const sides = [opened(), opened()]
    let cause: { readonly id: string; readonly depth: number } | null = null
    const said: string[] = []
    for (let step = 0; step < 20; step++) {
      const lineage: object = cause === null ? {} : { causationId: cause.id, causationDepth: cause.depth }
      const { events, summary } = sides[step % 2]!.when(use(), lineage)
      said.push(summary[0]!)
      if (summary[0] === 'rejected CHAIN_TOO_DEEP') break
      cause = { id: (events[0]!.payload as { intentId: string }).intentId, depth: cause === null ? 0 : cause.depth + 1 }
    }
    expect(said.at(-1)).toBe('rejected CHAIN_TOO_DEEP')
    expect(said).toHaveLength(7)
  })

  test('is the same intent whatever a gateway knew of its cause', () => {
    const story = opened()
    const first = story.when(use(), { causationId: 'elsewhere', intentId: id(77) })
    first.commits({})
    story
      .when(use(), {
        causationId: 'elsewhere',
        causationDepth: 2,
        intentId: id(77),
        correlationId: (first.events[0]!.payload as { intentId: string }).intentId,
      })
      .then({ type: 'IntentDuplicated' })
  })

  test('intents that name a piece of work and no cause are counted too', () => {
    const story = opened()
    for (let time = 1; time <= 3; time++) story.when(use(), { correlationId: 'work-1' }).commits({})
    story.when(use(), { correlationId: 'work-1' }).rejects('CORRELATION_EXHAUSTED', { details: '{"count":3,"limit":3}' })
    story.when(use(), { correlationId: 'work-2' }).commits({})
    for (let time = 1; time <= 5; time++) story.when(use()).commits({})
  })
})
