/**
 * `signalbox bench wasted-work`: how much of their thinking agents throw away on contended resources, by how they
 * coordinate. Agents think for minutes, in simulated time, against the production core; the same seed gives the same figures.
 *
 * The workload: each agent again and again picks a few resources (Zipf: few of them are wanted by most), looks at them,
 * thinks, and proposes to change one of them on what it saw. Thinking is drawn from an exponential distribution, bounded.
 *   retry         looks, thinks, proposes; where something had moved, looks and thinks again from the start
 *   reservations  waits for leases on all that it picked, then looks, thinks, and proposes under them
 *   watch         is told the moment something moves, and repairs its reasoning for a part of the time that it took
 */

import { say } from '@signalbox/cli'
import { contractSet, defaultLimits, defineContract, type Event, type Intent, none } from '@signalbox/contract'
import { decide, evolve, PartitionState, preparedContracts, type Rules } from '@signalbox/core'
import { z } from 'zod'
import { counterIntent, makeId, rules, startMs } from '../support/workload.ts'

export interface WorkloadOptions {
  readonly seed: number
  readonly agents: number
  readonly resources: number
  /** The exponent of the Zipf distribution over the resources. */
  readonly zipf: number
  /** Resources that an agent looks at; it changes the first of them. */
  readonly reads: number
  readonly thinkMs: number
  /** What taking a change into account costs, as a part of the thinking done so far. */
  readonly repair: number
  readonly hours: number
}

export const workload: WorkloadOptions = {
  seed: 1,
  agents: 12,
  resources: 100,
  zipf: 0.8,
  reads: 3,
  thinkMs: 180_000,
  repair: 0.15,
  hours: 24,
}

export const strategies = ['retry', 'reservations', 'watch'] as const
export type Strategy = (typeof strategies)[number]

export interface WastedWork {
  readonly strategy: Strategy
  readonly useful_commits: number
  readonly thinking_minutes: number
  readonly wasted_minutes: number
  readonly waiting_minutes: number
  /** Agent-minutes of thinking thrown away for each useful commit. */
  readonly wasted_minutes_per_commit: number
}

const page = defineContract({
  type: 'page',
  version: 1,
  owner: { team: 'bench', contact: 'none' },
  data: z.strictObject({ edits: z.int() }),
  states: ['open'],
  actions: {
    open: { from: none, to: 'open', apply: () => ({ edits: 0 }) },
    edit: { from: 'open', apply: ({ data }) => ({ edits: data.edits + 1 }) },
  },
  waiting: { queue: 1_000, bypasses: 16, deadlineMs: 86_400_000 },
  reservation: { maxMs: 3_600_000 },
})

const pageRules: Rules = { ...rules, contracts: preparedContracts(contractSet([page])) }
const scope = 'wiki'
const leaseMs = 3_000_000

export interface WastedWorkFigures extends WorkloadOptions {
  readonly bench: 'wasted-work'
  readonly results: readonly (WastedWork & { readonly ratio_to_retry: number })[]
}

export function benchWastedWork(options: WorkloadOptions = workload): WastedWorkFigures {
  const results = strategies.map((strategy) => {
    say(`${strategy}: ${options.agents} agents, ${options.hours} simulated hours`)
    return new World(options, strategy).run()
  })
  const [plain] = results as [WastedWork]
  const ratio = (result: WastedWork) => Math.round((result.wasted_minutes_per_commit / plain.wasted_minutes_per_commit) * 1_000) / 1_000
  return { bench: 'wasted-work', ...options, results: results.map((result) => ({ ...result, ratio_to_retry: ratio(result) })) }
}

/** mulberry32: small, and good enough to draw a workload from. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Thinker {
  readonly name: string
  resources: readonly string[]
  /** As it saw them last. */
  versions: Map<string, number>
  /** Since when it thinks without a break. */
  sinceMs: number
  /** What the work at hand takes in all, and what of it is done. */
  wholeMs: number
  doneMs: number
  /** What it must first think over again before it gets on. */
  repairMs: number
  /** Only the newest of its plans counts. */
  plan: number
  /** The intent that took, or waits for, its leases. */
  lease: string | null
  waitsSinceMs: number
}

class World {
  readonly #options: WorkloadOptions
  readonly #strategy: Strategy
  readonly #random: () => number
  readonly #state = new PartitionState(0, defaultLimits)
  readonly #thinkers: readonly Thinker[]
  readonly #cumulated: readonly number[]
  // What happens when; few at a time, so that a sorted list does.
  #agenda: { readonly atMs: number; readonly order: number; readonly what: () => void }[] = []
  #nowMs = startMs
  #number = 0
  #order = 0
  readonly #tally = { commits: 0, thinkingMs: 0, wastedMs: 0, waitingMs: 0 }

  constructor(options: WorkloadOptions, strategy: Strategy) {
    this.#options = options
    this.#strategy = strategy
    this.#random = random(options.seed)
    let sum = 0
    this.#cumulated = Array.from({ length: options.resources }, (_, rank) => (sum += 1 / (rank + 1) ** options.zipf))
    this.#thinkers = Array.from({ length: options.agents }, (_, index) => ({
      name: `agent-${index}`,
      resources: [],
      versions: new Map(),
      sinceMs: 0,
      wholeMs: 0,
      doneMs: 0,
      repairMs: 0,
      plan: 0,
      lease: null,
      waitsSinceMs: 0,
    }))
    for (let number = 0; number < options.resources; number++) this.#submit('setup', [{ resource: `page/${number}`, action: 'open' }])
  }

  run(): WastedWork {
    for (const [index, thinker] of this.#thinkers.entries()) this.#at(this.#nowMs + index * 1_000, () => this.#begin(thinker))
    const endMs = startMs + this.#options.hours * 3_600_000
    for (let next = this.#agenda.shift(); next !== undefined && next.atMs <= endMs; next = this.#agenda.shift()) {
      this.#nowMs = next.atMs
      next.what()
    }
    const minutes = (ms: number) => Math.round(ms / 6_000) / 10
    const { commits, thinkingMs, waitingMs, wastedMs } = this.#tally
    return {
      strategy: this.#strategy,
      useful_commits: commits,
      thinking_minutes: minutes(thinkingMs),
      wasted_minutes: minutes(wastedMs),
      waiting_minutes: minutes(waitingMs),
      wasted_minutes_per_commit: Math.round(wastedMs / 60_000 / (commits / 1_000)) / 1_000,
    }
  }

  #at(atMs: number, what: () => void): void {
    const entry = { atMs, order: this.#order++, what }
    const place = this.#agenda.findIndex((each) => each.atMs > atMs)
    if (place < 0) this.#agenda.push(entry)
    else this.#agenda.splice(place, 0, entry)
  }

  #begin(thinker: Thinker): void {
    const picked = new Set<string>()
    while (picked.size < this.#options.reads) picked.add(`page/${this.#zipf()}`)
    thinker.resources = [...picked]
    // A piece of work is as large as it is, however often it is begun anew.
    thinker.wholeMs = this.#thinkMs()
    this.#start(thinker)
  }

  #start(thinker: Thinker): void {
    if (this.#strategy === 'reservations') this.#reserve(thinker)
    else this.#think(thinker)
  }

  #zipf(): number {
    const at = this.#random() * this.#cumulated.at(-1)!
    return this.#cumulated.findIndex((sum) => at < sum)
  }

  #thinkMs(): number {
    const { thinkMs } = this.#options
    return Math.round(Math.min(5 * thinkMs, Math.max(thinkMs / 10, -Math.log(1 - this.#random()) * thinkMs)))
  }

  #reserve(thinker: Thinker): void {
    thinker.waitsSinceMs = this.#nowMs
    const actions = thinker.resources.map((resource) => ({
      resource: `reservation/${resource}`,
      action: 'take',
      input: `{"forMs":${leaseMs}}`,
    }))
    const intent = this.#intent(thinker.name, actions, { onConflict: 'wait' })
    thinker.lease = intent.intentId
    this.#decide(intent)
  }

  #look(thinker: Thinker): void {
    thinker.versions = new Map(thinker.resources.map((resource) => [resource, this.#state.resourceIn(scope, resource)!.version]))
    thinker.sinceMs = this.#nowMs
  }

  /** Looks, and proposes once it has thought. */
  #think(thinker: Thinker): void {
    thinker.doneMs = 0
    thinker.repairMs = 0
    this.#look(thinker)
    this.#later(thinker, thinker.wholeMs)
  }

  /** Books the thinking since the last time: first what is thought over again, then what gets on. */
  #book(thinker: Thinker): void {
    const thoughtMs = this.#nowMs - thinker.sinceMs
    const overAgainMs = Math.min(thoughtMs, thinker.repairMs)
    thinker.repairMs -= overAgainMs
    thinker.doneMs += thoughtMs - overAgainMs
    thinker.sinceMs = this.#nowMs
    this.#tally.thinkingMs += thoughtMs
    this.#tally.wastedMs += overAgainMs
  }

  #later(thinker: Thinker, forMs: number): void {
    const plan = ++thinker.plan
    this.#at(this.#nowMs + forMs, () => {
      if (thinker.plan === plan) this.#propose(thinker)
    })
  }

  #propose(thinker: Thinker): void {
    this.#book(thinker)
    const [resource] = thinker.resources as [string]
    const release = thinker.lease === null ? [] : thinker.resources.map((each) => ({ resource: `reservation/${each}`, action: 'release' }))
    const reads = [...thinker.versions].map(([name, version]) => ({ resource: name, version }))
    const isCommitted = this.#submit(thinker.name, [{ resource, action: 'edit' }, ...release], { reads, reservation: thinker.lease })
    if (isCommitted) {
      this.#tally.commits++
      thinker.lease = null
      // A moment's pause, and on to the next piece of work.
      this.#at(this.#nowMs + 1_000, () => this.#begin(thinker))
      return
    }
    this.#tally.wastedMs += thinker.doneMs
    this.#start(thinker)
  }

  #submit(agent: string, actions: readonly Asked[], more: Partial<Intent> = {}): boolean {
    return this.#decide(this.#intent(agent, actions, more))
  }

  #intent(agent: string, actions: readonly Asked[], more: Partial<Intent>): Intent {
    const intent = counterIntent(makeId(this.#number++, this.#nowMs), { scope, agent, action: 'add', input: {} })
    return {
      ...intent,
      ...more,
      actions: actions.map(({ action, input = '{}', resource }) => ({ resource, action, input, expectedVersion: null })),
    }
  }

  #decide(intent: Intent): boolean {
    const record = { offset: this.#state.nextOffset, timestampMs: this.#nowMs, intent, problem: null }
    const events = decide(this.#state, record, pageRules)
    for (const event of events) evolve(this.#state, event)
    // After all of them: what follows is asked of the world as it is then.
    for (const event of events) this.#hear(event)
    return events.some((event) => event.type === 'IntentCommitted' && event.payload.intentId === intent.intentId)
  }

  #hear(event: Event): void {
    if (event.type !== 'IntentCommitted') return
    const { changes, intentId } = event.payload
    const holder = this.#thinkers.find(({ lease }) => lease === intentId)
    if (holder !== undefined) {
      this.#tally.waitingMs += this.#nowMs - holder.waitsSinceMs
      this.#think(holder)
    }
    if (this.#strategy === 'watch') for (const { resource, version } of changes) this.#moved(resource, version, event.payload.agent)
  }

  /** Whoever thinks about it is told, and repairs what it has thought so far. */
  #moved(resource: string, version: number, by: string): void {
    for (const thinker of this.#thinkers) {
      const seen = thinker.versions.get(resource)
      if (thinker.name === by || seen === undefined || seen >= version || !thinker.resources.includes(resource)) continue
      this.#book(thinker)
      thinker.repairMs += Math.round(this.#options.repair * thinker.doneMs)
      this.#look(thinker)
      this.#later(thinker, thinker.repairMs + thinker.wholeMs - thinker.doneMs)
    }
  }
}

interface Asked {
  readonly resource: string
  readonly action: string
  readonly input?: string
}
