/**
 * `signalbox bench coordination`: what the checks of coordination cost. Decisions a second of the same intents with every
 * rule off, and with every rule on, leases and waiters in every scope, and nothing of it in their way; and of intents that
 * use all of it at once: a lease, a cause, an amount, an escalation rule to be asked, a timer to be set anew. Then a flood: what an agent far beyond its budget does to the others' waiting.
 */

import { say } from '@signalbox/cli'
import { createCodec } from '@signalbox/codec'
import { containmentOf, contractSet, defaultLimits, defineContract, type Event, type Intent, none } from '@signalbox/contract'
import { decide, evolve, type IntentRecord, PartitionState, preparedContracts, type Rules } from '@signalbox/core'
import { z } from 'zod'
import { counterIntent, makeIntent, rules, timeOf } from '../support/workload.ts'
import { benchFlood } from './flood.ts'

const counters = 64
const batchRecords = 128
const turns = 6

const owner = { team: 'bench', contact: 'none' }
const data = z.strictObject({ value: z.int().min(0) })

/** The same counter, with everything that a contract can ask for. */
const busy = defineContract({
  type: 'counter',
  version: 1,
  owner,
  data,
  states: ['open', 'shut'],
  actions: {
    open: { from: none, to: 'open', apply: () => ({ value: 0 }) },
    add: {
      from: 'open',
      to: 'open',
      input: z.strictObject({ by: z.int() }),
      guard: ({ data: { value }, input }) => value + input.by >= 0,
      apply: ({ data: { value }, input }) => ({ value: value + input.by }),
      escalate: [{ reason: 'LARGE', when: ({ input }) => input.by > 1_000, to: 'nobody' }],
      amount: ({ input }) => input.by,
    },
    shut: { from: 'open', to: 'shut', by: ['clock'] },
  },
  after: { open: { ms: 3_600_000, action: 'shut' } },
})

const plain = defineContract({
  type: 'counter',
  version: 1,
  owner,
  data,
  states: ['open'],
  actions: {
    open: { from: none, to: 'open', apply: () => ({ value: 0 }) },
    add: {
      from: 'open',
      input: z.strictObject({ by: z.int() }),
      guard: ({ data: { value }, input }) => value + input.by >= 0,
      apply: ({ data: { value }, input }) => ({ value: value + input.by }),
    },
  },
})

const containment = containmentOf({
  breaker: { rejects: 1_000, opensBeforeQuarantine: 10 },
  repeatedRejects: 1_000,
  budgets: [{ agents: ['agent-*'], intents: 1e12, amount: 1e14, pending: 100 }],
  maxDepth: 1e6,
  correlationIntents: 1e12,
  shadowAgents: ['trainee-*'],
})
const plainRules: Rules = { ...rules, contracts: preparedContracts(contractSet([plain])) }
const checkedRules: Rules = { ...plainRules, containment }
const busyRules: Rules = { ...rules, contracts: preparedContracts(contractSet([busy])), containment }

type Kind = 'off' | 'checked' | 'used'

class Load {
  readonly #rules: Rules
  readonly #state = new PartitionState(0, defaultLimits)
  readonly #codec = createCodec({ limits: defaultLimits })
  readonly #kind: Kind
  readonly #leases: string[] = []
  #number = 0
  #offset = 0
  cpuUs = 0
  count = 0

  constructor(kind: Kind) {
    this.#kind = kind
    this.#rules = { off: plainRules, checked: checkedRules, used: busyRules }[kind]
    for (let counter = 0; counter < counters; counter++) {
      this.#decide(this.#next(counter, 'open'))
      if (kind === 'off') continue
      const lease = { ...this.#beside(counter), actions: [kind === 'used' ? take : takeOther] }
      this.#leases.push(lease.intentId)
      this.#decide(lease)
      // Somebody waits for something else in the scope.
      this.#decide({ ...this.#beside(counter), agent: 'waiter', onConflict: 'wait', actions: [waits] })
    }
  }

  run(): void {
    const records = Array.from({ length: batchRecords }, (_, index) => {
      const counter = index % counters
      const intent = this.#next(counter, 'add')
      const asked: Intent =
        this.#kind === 'used'
          ? { ...intent, reservation: this.#leases[counter]!, causationId: 'the-first', correlationId: 'one piece of work' }
          : intent
      return this.#record(this.#codec.decodeIntent(this.#codec.encodeIntent(asked)))
    })
    const before = process.threadCpuUsage()
    this.#state.begin()
    for (const record of records) this.#take(decide(this.#state, record, this.#rules))
    this.#state.publish()
    const { system, user } = process.threadCpuUsage(before)
    this.cpuUs += user + system
    this.count += records.length
  }

  get perSecond(): number {
    return Math.round((this.count * 1e6) / this.cpuUs)
  }

  /** On the counter, at the version that its agent would have been told by now. */
  #next(counter: number, action: 'open' | 'add'): Intent {
    const version = this.#versions[counter] ?? 0
    this.#versions[counter] = version + 1
    const input = action === 'add' ? '{"by":1}' : '{}'
    return { ...this.#beside(counter), actions: [{ resource: 'counter/main', action, input, expectedVersion: version }] }
  }

  readonly #versions: number[] = []

  #beside(counter: number): Intent {
    const { intentId } = makeIntent(this.#number++, { scope: '', agent: '', action: 'add', input: {} })
    return counterIntent(intentId, { scope: `scope-${counter}`, agent: `agent-${counter}`, action: 'add', input: {} })
  }

  #record(intent: Intent): IntentRecord {
    const offset = this.#offset++
    return { offset, timestampMs: timeOf(offset), intent, problem: null }
  }

  #decide(intent: Intent): void {
    for (const event of decide(this.#state, this.#record(intent), this.#rules)) evolve(this.#state, event)
  }

  #take(events: readonly Event[]): void {
    for (const event of events) {
      if (event.type !== 'IntentCommitted')
        throw new Error(`the benchmark expects commits, and got ${event.type} ${JSON.stringify(event.payload)}`)
      evolve(this.#state, event)
    }
  }
}

const take = { resource: 'reservation/counter/main', action: 'take', input: '{"forMs":600000}', expectedVersion: null }
const takeOther = { ...take, resource: 'reservation/counter/other' }
const waits = { resource: 'counter/other', action: 'add', input: '{"by":1}', expectedVersion: null }

export async function benchCoordination(seconds: number): Promise<object> {
  say(`decisions: ${seconds} s each with every rule off, on, and in use, in turns`)
  const loads = [new Load('off'), new Load('checked'), new Load('used')] as const
  for (let turn = 0; turn <= turns; turn++) {
    for (const load of loads) {
      // The first turn warms up.
      if (turn === 1) [load.cpuUs, load.count] = [0, 0]
      for (const untilUs = load.cpuUs + (seconds * 1e6) / turns; load.cpuUs < untilUs; ) load.run()
    }
  }
  const [off, checked, used] = loads.map((load) => load.perSecond) as [number, number, number]
  const ratio = (rate: number) => Math.round((rate / off) * 1_000) / 1_000
  const flood = await benchFlood(seconds)
  return {
    bench: 'coordination',
    seconds,
    decisions_per_cpu_s: off,
    decisions_per_cpu_s_all_checked: checked,
    ratio_all_checked: ratio(checked),
    decisions_per_cpu_s_all_in_use: used,
    ratio_all_in_use: ratio(used),
    ...flood,
  }
}
