/** given(events).when(intent).then(events): tests of the core that say what happened before, what is asked, and what follows. */
import { createCodec, sha256 } from '@signalbox/codec'
import {
  bareIntent,
  type ContainmentSettings,
  type ContractSet,
  canonicalize,
  containmentOf,
  defaultContainment,
  defaultLimits,
  type Event,
  type Intent,
  type Limits,
  makeUuidV7,
  type RejectCode,
  systemScope,
} from '@signalbox/contract'
import { decide, evolve, PartitionState, preparedContracts, type Rules, type Skip } from '@signalbox/core'
import { expect } from 'vitest'
import { contracts, owner } from './contracts.ts'
import { coordinated } from './coordination-contracts.ts'

export const rules: Rules = {
  contracts: preparedContracts(contracts),
  limits: defaultLimits,
  containment: defaultContainment,
  partitionCount: 1,
  agents: null,
  sha256,
}

/** The time at which every test begins: milliseconds since 1970, UTC. */
export const startMs = Date.UTC(2026, 5, 1)
export const scope = 'bank-1'

export function id(number: number, timeMs = startMs): string {
  const bits = new Uint8Array(10)
  new DataView(bits.buffer).setUint32(6, number)
  return makeUuidV7(timeMs, bits)
}

let nextId = 1

export type AskedAction = {
  readonly resource: string
  readonly action: string
  readonly input?: unknown
  readonly expectedVersion?: number
}

/** An intent with sound defaults. */
export function intent(actions: AskedAction | readonly AskedAction[], more: Partial<Intent> = {}): Intent {
  const intentId = more.intentId ?? id(nextId++)
  const list = 'resource' in actions ? [actions] : actions
  return {
    ...bareIntent({
      intentId,
      scope,
      agent: 'clerk',
      actions: list.map(({ action, expectedVersion, input, resource }) => ({
        resource,
        action,
        input: canonicalize(input ?? {}),
        expectedVersion: expectedVersion ?? null,
      })),
    }),
    ...more,
  }
}

/** Something that happened before: it becomes an event at the next source offset. */
export type Happening = (state: PartitionState, offset: number) => Event

/** A commit that left a resource in `state` with `data`. */
export function changed(resource: string, data: unknown, change: { state?: string; agent?: string; action?: string } = {}): Happening {
  return (before, offset) => {
    const known = before.resource(`${scope}\u0000${resource}`)
    const intentId = id(1_000_000 + offset)
    const { action = known === undefined ? 'open' : 'deposit', agent = 'clerk', state = 'open' } = change
    return {
      partition: 0,
      offset,
      index: 0,
      time: startMs,
      scope,
      type: 'IntentCommitted',
      payload: {
        intentId,
        agent,
        intent: '{}',
        digest: rules.sha256(intentId),
        changes: [
          {
            resource,
            action,
            contractVersion: 3,
            fromVersion: known?.version ?? 0,
            version: (known?.version ?? 0) + 1,
            fromState: known?.state ?? null,
            state,
            data: JSON.stringify(data),
            timer: null,
            fields: null,
          },
        ],
        settles: null,
        verdict: null,
        amount: null,
      },
    }
  }
}

/** Whatever was decided on an intent. */
export function decided(asked: Intent, options: { readonly timestampMs?: number } = {}): Happening {
  return (before, offset) =>
    decide(before, { offset, timestampMs: options.timestampMs ?? startMs, intent: asked, problem: null }, rules)[0]!
}

/** What an event must at least say. */
export interface Expected {
  readonly type: Event['type']
  readonly time?: number
  readonly payload?: object
}

export interface Circumstances {
  readonly timestampMs?: number
  readonly rules?: Partial<Rules>
  readonly problem?: string
  readonly skip?: Skip
}

export class Outcome {
  readonly state: PartitionState
  readonly events: readonly Event[]

  constructor(state: PartitionState, events: readonly Event[]) {
    this.state = state
    this.events = events
  }

  // A method's name says how the test reads; nothing awaits this object.
  // biome-ignore lint/suspicious/noThenProperty: given, when and then are the words of the style.
  then(...expected: readonly Expected[]): this {
    expect(this.events).toMatchObject(expected)
    expect(this.events).toHaveLength(expected.length)
    return this
  }

  /** The kind of each event in short: type, with code, rule or action, and what it is about. */
  get summary(): readonly string[] {
    return this.events.map(summaryOf)
  }

  /** The only event of a kind, with what its payload must at least say. */
  says(type: Event['type'], payload: object): this {
    expect(this.events).toContainEqual(expect.objectContaining({ type, payload: expect.objectContaining(payload) }))
    return this
  }

  /** One reject, with what its payload must at least say. */
  rejects(code: RejectCode, payload: object = {}): this {
    return this.then({ type: 'IntentRejected', payload: { code, ...payload } })
  }

  /** One commit, with the after-images in the order of the actions. */
  commits(...changes: readonly object[]): this {
    return this.then({ type: 'IntentCommitted', payload: { changes } })
  }
}

export function given(...happenings: readonly Happening[]) {
  const state = new PartitionState(0, defaultLimits)
  for (const [offset, happening] of happenings.entries()) evolve(state, happening(state, offset))
  return {
    state,
    when(asked: Intent | null, circumstances: Circumstances = {}): Outcome {
      const offset = state.nextOffset
      const { problem = null, skip, timestampMs = startMs } = circumstances
      const record = { offset, timestampMs, intent: asked, problem, ...(skip === undefined ? {} : { skip }) }
      const events = decide(state, record, { ...rules, ...circumstances.rules })
      for (const event of events) evolve(state, event)
      return new Outcome(state, events)
    },
  }
}

function summaryOf({ payload, type }: Event): string {
  switch (type) {
    case 'IntentCommitted':
      return `committed ${payload.changes.map(({ action, resource, state }) => `${action} ${resource} ${state}`).join(', ')}`.trimEnd()
    case 'IntentRejected':
      return `rejected ${payload.code}`
    case 'IntentPending':
      return `pending ${payload.reason} ${payload.code}`
    case 'IntentShadowed':
      return `shadowed ${payload.by} ${payload.code ?? 'committed'}`
    case 'IntentDuplicated':
      return `duplicated ${payload.outcome}`
    case 'WaitersExamined':
      return `examined ${payload.waiting.map(({ code }) => code).join(' ')}`
    case 'RuleApplied':
      return `${payload.rule} ${payload.code ?? payload.changes.map(({ action, resource, state }) => `${action} ${resource} ${state}`).join(', ')}`.trimEnd()
    default:
      return type
  }
}

interface StorySettings {
  readonly containment?: ContainmentSettings
  readonly limits?: Partial<Limits>
  readonly contracts?: ContractSet
}

const codec = createCodec({ limits: defaultLimits })

/** A partition over a time: what is asked one after another, each at its moment, with all that follows. */
export class Story {
  readonly state: PartitionState
  readonly rules: Rules
  readonly events: Event[] = []
  nowMs = startMs

  constructor({ containment, contracts: set = coordinated, limits }: StorySettings = {}) {
    const all = { ...defaultLimits, ...limits }
    this.rules = { ...rules, contracts: preparedContracts(set), limits: all, containment: containmentOf(containment) }
    this.state = new PartitionState(0, all)
  }

  /** Time passes, and nothing is asked. */
  passes(ms: number): this {
    this.nowMs += ms
    return this
  }

  /** Asks, and applies what is decided. Each event goes through the codec, as it would to reach another process. */
  when(asked: Intent | AskedAction | readonly AskedAction[], more: Partial<Intent> = {}, settings: Partial<Rules> = {}): Outcome {
    const sent = 'intentId' in asked ? asked : intent(asked, { intentId: id(nextId++, this.nowMs), ...more })
    const record = { offset: this.state.nextOffset, timestampMs: this.nowMs, intent: sent, problem: null }
    const used = { ...this.rules, ...settings }
    const events = decide(this.state, record, used)
    expect(decide(this.state, record, used)).toEqual(events)
    for (const event of events) {
      expect(codec.decodeEvent(codec.encodeEvent(event))).toEqual(event)
      evolve(this.state, event)
    }
    this.events.push(...events)
    return new Outcome(this.state, events)
  }

  /** The record that the owner of a partition appends when something is due. */
  ticks(): Outcome {
    return this.when({ resource: 'clock/tick', action: 'tick' }, { agent: 'clock', scope: systemScope(0, 1) })
  }

  /** Puts an agent in quarantine on the partition. */
  quarantines(agent: string, taintedSinceMs: number | null = null): Outcome {
    const input = { reason: 'it went wrong', taintedSinceMs }
    return this.when({ resource: `agent/${agent}`, action: 'quarantine', input }, { agent: 'process-manager', scope: systemScope(0, 1) })
  }

  releases(agent: string): Outcome {
    const input = { reason: 'mended' }
    return this.when({ resource: `agent/${agent}`, action: 'release', input }, { agent: 'process-manager', scope: systemScope(0, 1) })
  }

  /** State and data of a resource. */
  resource(name: string) {
    const found = this.state.resourceIn(scope, name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return { state: found.state, version: found.version, timer: found.timer, data: JSON.parse(found.data) }
  }
}

export { owner }
