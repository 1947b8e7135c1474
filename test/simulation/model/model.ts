/** A plain model of one partition: intents in log order in, what must have become of each out. */
import type { ModelAction, ModelIntent, PlainObject } from './intent.ts'
import { modelPartitionOf } from './partitions.ts'
import { type ModelResource, type ModelRule, modelTypes, type RuleContext } from './rules.ts'

export interface ModelRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly intent: ModelIntent | null
}

export interface ModelChange {
  readonly resource: string
  readonly action: string
  readonly fromVersion: number
  readonly version: number
  readonly fromState: string | null
  readonly state: string
  readonly data: PlainObject
}

/** What must have become of a record. */
export interface Expected {
  readonly outcome: 'committed' | 'rejected' | 'duplicate'
  readonly time: number
  /** Of a reject, or of the reject that a duplicate repeats. */
  readonly code: string | null
  readonly resource: string | null
  readonly expectedVersion: number | null
  readonly actualVersion: number | null
  /** The intent that moved the resource last, where the reject tells. */
  readonly movedBy: string | null
  readonly missed: readonly number[]
  readonly changes: readonly ModelChange[]
  /** Source offset of the first decision, of a duplicate. */
  readonly duplicateOf: number | null
  /** The intent as the event must embed it; null where it must embed none. */
  readonly embedded: string | null
}

export interface ModelSettings {
  readonly partitionCount: number
  readonly agents: readonly string[]
  readonly maxActions: number
  readonly maxIntentBytes: number
  readonly horizonMs: number
  readonly skewMs: number
  readonly missed: number
}

type Refusal = Partial<Pick<Expected, 'resource' | 'expectedVersion' | 'actualVersion' | 'movedBy' | 'missed'>> & { readonly code: string }

interface Planned {
  readonly action: ModelAction
  readonly rule: ModelRule
  readonly holds: (data: PlainObject) => boolean
  readonly input: PlainObject
  readonly before: ModelResource | undefined
}

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const agentPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$/
const resourcePattern = /^[a-z][a-z0-9-]{0,63}\/./
// These leave the id free for the mended intent.
const atTheDoor = new Set([
  'DEAD_LETTERED',
  'WRONG_PARTITION',
  'INTENT_MALFORMED',
  'INTENT_ID_INVALID',
  'INTENT_EXPIRED',
  'INTENT_FROM_THE_FUTURE',
  'INTENT_ID_REUSED',
])

export class Model {
  readonly #partition: number
  readonly #settings: ModelSettings
  readonly #decided = new Map<string, { readonly canonical: string; readonly offset: number; readonly code: string | null }>()
  readonly #resources = new Map<string, ModelResource>()
  #time = 0

  constructor(partition: number, settings: ModelSettings) {
    this.#partition = partition
    this.#settings = settings
  }

  get time(): number {
    return this.#time
  }

  find(scope: string, resource: string): ModelResource | undefined {
    return this.#resources.get(`${scope}\n${resource}`)
  }

  /** Every resource, by `scope\nresource`. */
  get resources(): ReadonlyMap<string, ModelResource> {
    return this.#resources
  }

  /** Decides the next record and remembers what comes of it. */
  next(record: ModelRecord): Expected {
    this.#time = Math.max(this.#time, record.timestampMs)
    const { intent } = record
    if (intent === null) return this.#rejected({ code: 'DEAD_LETTERED' }, null)
    const refusal = this.#door(intent)
    const isOversized = this.#isOversized(intent)
    if (refusal !== null) return this.#rejected(refusal, isOversized ? null : intent.canonical)
    const before = this.#decided.get(intent.intentId)
    if (before !== undefined) {
      if (before.canonical !== intent.canonical) return this.#rejected({ code: 'INTENT_ID_REUSED' }, intent.canonical)
      return { ...this.#blank(), outcome: 'duplicate', code: before.code, duplicateOf: before.offset }
    }
    const result = this.#outcome(intent)
    const code = 'code' in result ? result.code : null
    if (code === null || !atTheDoor.has(code))
      this.#decided.set(intent.intentId, { canonical: intent.canonical, offset: record.offset, code })
    if ('code' in result) return this.#rejected(result, intent.canonical)
    return { ...this.#blank(), outcome: 'committed', changes: this.#commit(intent, result), embedded: intent.canonical }
  }

  #blank(): Omit<Expected, 'outcome'> {
    const nothing = {
      code: null,
      resource: null,
      expectedVersion: null,
      actualVersion: null,
      movedBy: null,
      duplicateOf: null,
      embedded: null,
    }
    return { ...nothing, time: this.#time, missed: [], changes: [] }
  }

  #rejected(refusal: Refusal, embedded: string | null): Expected {
    return { ...this.#blank(), outcome: 'rejected', ...refusal, embedded }
  }

  #isOversized({ actions, canonical }: ModelIntent): boolean {
    return actions.length > this.#settings.maxActions || Buffer.byteLength(canonical) > this.#settings.maxIntentBytes
  }

  #door(intent: ModelIntent): Refusal | null {
    const { agent, actions, intentId, scope } = intent
    const { horizonMs, partitionCount, skewMs } = this.#settings
    if (modelPartitionOf(scope, partitionCount) !== this.#partition) return { code: 'WRONG_PARTITION' }
    const isMalformed =
      !agentPattern.test(agent) ||
      actions.length === 0 ||
      this.#isOversized(intent) ||
      actions.some(({ resource }) => !resourcePattern.test(resource))
    if (isMalformed) return { code: 'INTENT_MALFORMED' }
    if (!idPattern.test(intentId)) return { code: 'INTENT_ID_INVALID' }
    const idTimeMs = Number.parseInt(intentId.slice(0, 8) + intentId.slice(9, 13), 16)
    if (idTimeMs > this.#time + skewMs) return { code: 'INTENT_FROM_THE_FUTURE' }
    if (idTimeMs < this.#time - horizonMs) return { code: 'INTENT_EXPIRED' }
    return null
  }

  #outcome(intent: ModelIntent): Refusal | readonly (Planned & { readonly data: PlainObject })[] {
    if (intent.deadline !== null && intent.deadline < this.#time) return { code: 'DEADLINE_PASSED' }
    const { agents } = this.#settings
    if (!agents.some((known) => known === intent.agent || (known.endsWith('*') && intent.agent.startsWith(known.slice(0, -1)))))
      return { code: 'AGENT_UNKNOWN' }
    if (intent.onConflict !== 'reject') return { code: 'ON_CONFLICT_UNAVAILABLE' }
    const planned: Planned[] = []
    for (const action of intent.actions) {
      const plan = this.#plan(intent, action, planned)
      if ('code' in plan) return plan
      planned.push(plan)
    }
    const stale = this.#stale(intent, planned)
    if (stale !== null) return stale
    if (intent.reservation !== null) return { code: 'RESERVATION_UNKNOWN' }
    return this.#effects(intent, planned)
  }

  #plan(intent: ModelIntent, action: ModelAction, planned: readonly Planned[]): Planned | Refusal {
    const { resource } = action
    const type = modelTypes.get(resource.slice(0, resource.indexOf('/')))
    if (type === undefined) return { code: 'CONTRACT_UNKNOWN', resource }
    const rule = Object.hasOwn(type.rules, action.action) ? type.rules[action.action] : undefined
    if (rule === undefined) return { code: 'ACTION_UNKNOWN', resource }
    if (rule.agents !== undefined && !rule.agents.includes(intent.agent)) return { code: 'AGENT_NOT_ALLOWED', resource }
    if (planned.some((other) => other.action.resource === resource)) return { code: 'RESOURCE_REPEATED', resource }
    const input = rule.input(action.input)
    if (input === null) return { code: 'INPUT_INVALID', resource }
    return { action, rule, holds: type.holds, input, before: this.find(intent.scope, resource) }
  }

  #stale(intent: ModelIntent, planned: readonly Planned[]): Refusal | null {
    for (const { action, before, rule } of planned) {
      if (rule.commutes === true) continue
      const read = intent.reads.find(({ resource }) => resource === action.resource)
      const expected = action.expectedVersion ?? read?.version ?? null
      if (expected === null) {
        if (before === undefined || rule.from.includes('none')) continue
        return { code: 'VERSION_REQUIRED', resource: action.resource, actualVersion: before.version }
      }
      const refusal = this.#moved('STALE_VERSION', action.resource, expected, before)
      if (refusal !== null) return refusal
    }
    for (const { resource, version } of intent.reads) {
      if (planned.some(({ action }) => action.resource === resource)) continue
      const refusal = this.#moved('STALE_READ', resource, version, this.find(intent.scope, resource))
      if (refusal !== null) return refusal
    }
    return null
  }

  #moved(code: string, resource: string, expectedVersion: number, current: ModelResource | undefined): Refusal | null {
    const actualVersion = current?.version ?? 0
    if (actualVersion === expectedVersion) return null
    const missed = (current?.history ?? []).map(({ version }) => version).filter((version) => version > expectedVersion)
    return {
      code: expectedVersion > actualVersion ? 'VERSION_FROM_THE_FUTURE' : code,
      resource,
      expectedVersion,
      actualVersion,
      movedBy: current?.history.at(-1)?.intentId ?? null,
      missed: missed.slice(-this.#settings.missed),
    }
  }

  #effects(intent: ModelIntent, planned: readonly Planned[]): Refusal | readonly (Planned & { readonly data: PlainObject })[] {
    const refuse = (code: string, { action, before }: Planned): Refusal => ({
      code,
      resource: action.resource,
      actualVersion: before?.version ?? null,
      movedBy: before?.history.at(-1)?.intentId ?? null,
    })
    const contextOf = (each: Planned): RuleContext => ({
      input: each.input,
      before: each.before,
      find: (resource) => this.find(intent.scope, resource),
      beside: (resource, action) => planned.find((other) => other.action.resource === resource && other.action.action === action)?.input,
    })
    for (const each of planned) if (!each.rule.from.includes(each.before?.state ?? 'none')) return refuse('STATE_CONFLICT', each)
    for (const each of planned) if (each.rule.guard !== undefined && !each.rule.guard(contextOf(each))) return refuse('GUARD_REFUSED', each)
    const results: (Planned & { readonly data: PlainObject })[] = []
    for (const each of planned) {
      const data = each.rule.after(contextOf(each))
      if (data === 'throws') return { code: 'DEAD_LETTERED' }
      results.push({ ...each, data })
    }
    for (const each of results) if (!each.holds(each.data)) return refuse('INVARIANT_VIOLATED', each)
    return results
  }

  #commit(intent: ModelIntent, results: readonly (Planned & { readonly data: PlainObject })[]): readonly ModelChange[] {
    return results.map(({ action, before, data, rule }) => {
      const version = (before?.version ?? 0) + 1
      const state = rule.to ?? before!.state
      const history = [...(before?.history ?? []), { version, intentId: intent.intentId }]
      this.#resources.set(`${intent.scope}\n${action.resource}`, { version, state, data, history })
      return {
        resource: action.resource,
        action: action.action,
        fromVersion: version - 1,
        version,
        fromState: before?.state ?? null,
        state,
        data,
      }
    })
  }
}
