/** For the tests of a projection: events made from a few words, and `given(projection, events).shows(rows)`. */
import { deepStrictEqual } from 'node:assert/strict'
import { canonicalize, type Event, type JsonObject, type Rule } from '@signalbox/contract'
import { Fold } from './definition/fold.ts'
import type { Projection } from './definition/projection.ts'

export interface TestChange {
  /** type/id */
  readonly resource: string
  readonly action?: string
  readonly state: string
  readonly data?: JsonObject
  /** Default: one less than `version` is implied; 1 where left out. */
  readonly version?: number
  readonly fromState?: string | null
  readonly contractVersion?: number
}

interface Common {
  readonly scope?: string
  /** Milliseconds since 1970, UTC. */
  readonly timeMs?: number
  /** Default 0. */
  readonly partition?: number
}

/** What is left out has a plain value, so that a test says only what it is about. */
export interface TestCommit extends Common {
  readonly agent?: string
  readonly intentId?: string
  readonly changes: readonly TestChange[]
  /** The intent as JSON, where the fold looks at it. */
  readonly intent?: JsonObject
  readonly verdict?: string
}

export interface TestReject extends Common {
  readonly agent?: string
  readonly intentId?: string
  readonly code: string
  readonly message?: string
  readonly resource?: string
  readonly intent?: JsonObject
  /** Who moved the resource. */
  readonly movedBy?: { readonly agent: string; readonly action: string; readonly version: number }
}

/** Without its place in the log, which `given` assigns. */
export type TestEvent = (offset: number) => Event

const startMs = Date.UTC(2030, 0, 1)
const owner = { team: 'test', contact: '#test' }

function common({ partition = 0, scope = 'scope-1', timeMs }: Common, offset: number) {
  return { partition, offset, index: 0, time: timeMs ?? startMs + offset, scope }
}

function changesFrom(changes: readonly TestChange[]) {
  return changes.map(({ action = 'act', contractVersion = 1, data = {}, fromState, resource, state, version = 1 }) => ({
    resource,
    action,
    contractVersion,
    fromVersion: version - 1,
    version,
    fromState: fromState ?? (version === 1 ? null : state),
    state,
    data: canonicalize(data),
    timer: null,
    fields: null,
  }))
}

function intentOf(asked: { agent?: string; intent?: JsonObject; intentId?: string; scope?: string }, offset: number) {
  const { agent = 'agent-1', scope = 'scope-1' } = asked
  const intentId = asked.intentId ?? `00000000-0000-7000-8000-${`${offset}`.padStart(12, '0')}`
  const intent = canonicalize({ intentId, scope, agent, actions: [], ...asked.intent })
  return { agent, intentId, intent, digest: 'digest' }
}

export interface TestCarried extends Common {
  /** Who made the last change of each: an agent, `clock` or `signalbox`. */
  readonly agent?: string
  readonly intentId?: string
  readonly changes: readonly TestChange[]
}

/** What a log begins with that was moved from other topics: resources as they were there, and when they changed last. */
export function carried({ agent = 'agent-1', changes, intentId = 'intent-1', timeMs = startMs, ...at }: TestCarried): TestEvent {
  return (index) => {
    const lists = { waiting: [], tallies: [], contradictions: [], correlations: [] }
    const resources = changesFrom(changes).map((change) => ({ ...change, fromVersion: 0, fromState: null }))
    const histories = resources.map(({ action, version }, offset) => {
      const event = { partition: 0, offset, index: 0 }
      return { changes: [{ event, time: timeMs, intentId, agent, action, version, fields: null }], olderChanges: [], influences: [] }
    })
    return {
      ...common({ ...at, timeMs }, -1),
      index,
      type: 'ScopeCarried',
      payload: { ...lists, isShadow: false, hasReservations: false, changes: resources, histories },
    }
  }
}

export function committed(commit: TestCommit): TestEvent {
  return (offset) => ({
    ...common(commit, offset),
    type: 'IntentCommitted',
    payload: {
      ...intentOf(commit, offset),
      changes: changesFrom(commit.changes),
      settles: null,
      verdict: commit.verdict ?? null,
      amount: null,
    },
  })
}

export function rejected(reject: TestReject): TestEvent {
  return (offset) => {
    const at = common(reject, offset)
    const { code, message = 'rejected', movedBy, resource = null } = reject
    const event = { partition: at.partition, offset: Math.max(0, offset - 1), index: 0 }
    return {
      ...at,
      type: 'IntentRejected',
      payload: {
        ...intentOf(reject, offset),
        code,
        message,
        owner,
        resource,
        expectedVersion: null,
        actualVersion: movedBy?.version ?? null,
        movedBy: movedBy === undefined ? null : { ...movedBy, event, intentId: 'moved', time: at.time },
        missed: [],
        retryAfterMs: null,
        details: null,
        settles: null,
      },
    }
  }
}

/** What would have been, in shadow: no projection may take it for real. */
export function shadowed(commit: TestCommit): TestEvent {
  return (offset) => ({
    ...common(commit, offset),
    type: 'IntentShadowed',
    payload: {
      ...intentOf(commit, offset),
      by: 'agent shadow',
      code: null,
      message: null,
      resource: null,
      changes: changesFrom(commit.changes),
    },
  })
}

export function ruleApplied(
  rule: Common & { readonly rule: Rule; readonly changes: readonly TestChange[]; readonly message?: string },
): TestEvent {
  return (offset) => ({
    ...common(rule, offset),
    type: 'RuleApplied',
    payload: {
      rule: rule.rule,
      message: rule.message ?? 'applied',
      cause: null,
      changes: changesFrom(rule.changes),
      resource: null,
      code: null,
      details: null,
    },
  })
}

export type ExpectedRows = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>

interface Folded {
  readonly rows: Record<string, Record<string, JsonObject>>
  readonly parked: readonly { readonly key: string; readonly cause: string }[]
}

export interface Given {
  /** Fails with a difference where the tables do not hold these rows and no others; a table that is left out must be empty. */
  shows(expected: ExpectedRows): Promise<void>
  /** Fails where other events are parked, by key and the beginning of the cause. */
  parks(expected: readonly { readonly key: string; readonly cause: string }[]): Promise<void>
}

/**
 * Folds the events, each partition in its order. They are folded once more with the partitions the other way round: rows
 * must not depend on an order that the log does not give.
 */
export function given(projection: Projection, events: readonly TestEvent[]): Given {
  const folded = async (): Promise<Folded> => {
    const placed = events.map((event, offset) => event(offset))
    const partitions = [...new Set(placed.map(({ partition }) => partition))].sort((a, b) => a - b)
    const once = await fold(projection, placed)
    if (partitions.length > 1) {
      const reversed = await fold(
        projection,
        partitions.reverse().flatMap((partition) => placed.filter((event) => event.partition === partition)),
      )
      deepStrictEqual(reversed.rows, once.rows, 'the rows depend on the order between partitions, which the log does not give')
    }
    return once
  }
  return {
    async shows(expected) {
      const { parked, rows } = await folded()
      deepStrictEqual(parked, [], 'an event could not be folded')
      const all = Object.fromEntries(Object.keys(projection.tables).map((table) => [table, expected[table] ?? {}]))
      deepStrictEqual(rows, all)
    },
    async parks(expected) {
      const { parked } = await folded()
      const shortened = parked.map(({ cause, key }, index) => ({
        key,
        cause: cause.slice(0, expected[index]?.cause.length ?? cause.length),
      }))
      deepStrictEqual(shortened, expected)
    },
  }
}

async function fold(projection: Projection, events: readonly Event[]): Promise<Folded> {
  const folding = new Fold(projection, { load: async () => new Map(), isEmpty: true, parked: new Map() })
  const parked: { key: string; cause: string }[] = []
  for (const [logOffset, event] of events.entries()) {
    parked.push(...(await folding.take(event.partition, [{ event, logOffset }])).map(({ cause, key }) => ({ key, cause })))
    folding.rows.keepBatch()
  }
  const rows = folding.rows.tables.map(({ cached, name }) => {
    const there = [...cached].flatMap(([key, { row }]) => (row === null ? [] : [[key, structuredClone(row)] as const]))
    return [name, Object.fromEntries(there)] as const
  })
  return { rows: Object.fromEntries(rows), parked }
}
