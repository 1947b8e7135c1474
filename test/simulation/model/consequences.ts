/** What must follow from an event in the same record, one after another: escalations, breakers, handed-on work, settled intents. */
import type { Event, ResourceChange } from '@signalbox/contract'
import { knownOf } from './agents.ts'
import { typeOf } from './built-in.ts'
import { counting } from './correlations.ts'
import { changeOf, type Expected, type Made, type ModelChange, type Question } from './expected.ts'
import type { ModelIntent, PlainObject } from './intent.ts'
import { isOwn, isTakenUp, isTurnedAway, type Ledger, type ModelPending } from './ledger.ts'
import { mustOpen } from './limits.ts'
import type { Model } from './model.ts'
import { governing } from './more-rules.ts'
import { agreedOn, hashOf, levelEnd, type SeenVersion } from './people.ts'
import { isSeparated, type Level, levelsOf, versionsOf } from './questions.ts'
import { claimed, isStillWith } from './work.ts'
import { countsResource } from './works.ts'

export interface RuleToApply {
  readonly kind: 'rule'
  readonly rule: string
  readonly scope: string
  readonly changes: readonly ModelChange[]
  /** What follows from it. */
  readonly next?: Later
}

export type Following =
  | RuleToApply
  | { readonly kind: 'rejected'; readonly intentId: string; readonly code: string }
  | { readonly kind: 'agreed'; readonly intentId: string; readonly agreed: ReadonlyMap<string, number> }
  | {
      readonly kind: 'amended'
      readonly pending: ModelPending
      readonly actions: readonly PlainObject[]
      readonly agreed: ReadonlyMap<string, number>
    }

/** Asked when it is its turn, as the world is then; null: nothing follows after all. */
export type Later = () => Following | null

/** An event with what the model made of it, and what was so before it. */
export interface Judged {
  readonly event: Event
  /** Of whom it decides; null where it decides nothing. */
  readonly subject: ModelIntent | null
  readonly expected: Expected | null
  /** The pending intent that it settles. */
  readonly settled: ModelPending | undefined
  /** It is the decision on the record's own intent. */
  readonly isOwn: boolean
}

interface Opened {
  readonly id: string
  readonly cause: string
  readonly agent: string
  readonly intentId?: string
  readonly resource: string | null
  readonly rule?: string
  readonly levels?: readonly Level[]
  readonly versions?: readonly SeenVersion[]
  readonly approvals?: number
  readonly isSeparated?: boolean
  readonly untilMs?: number
}

export class Consequences {
  readonly #model: Model
  readonly #ledger: Ledger

  constructor(model: Model) {
    this.#model = model
    this.#ledger = model.ledger
  }

  /** After the event was applied. */
  of(judged: Judged): readonly Later[] {
    const { event, isOwn: isItsOwn, subject } = judged
    const isCounted =
      isItsOwn && subject !== null && event.type !== 'IntentDuplicated' && (event.type !== 'IntentRejected' || isTakenUp(event))
    return isCounted ? [() => this.#counted(subject), ...this.#of(judged)] : this.#of(judged)
  }

  #of({ event, expected, isOwn: isItsOwn, settled, subject }: Judged): readonly Later[] {
    const { scope } = event
    switch (event.type) {
      case 'IntentCommitted':
        return subject === null ? [] : this.#ofCommit(scope, subject, event.payload.changes, expected)
      case 'IntentPending':
        return event.payload.reason === 'escalated' && expected?.question != null ? [() => this.#ask(subject!, expected.question!)] : []
      case 'IntentRejected':
        return isItsOwn ? this.#ofReject(event, subject, expected) : [() => this.#closeOf(settled)]
      case 'RuleApplied':
        return event.payload.rule === 'timer' ? event.payload.changes.flatMap((change) => this.#ofTimer(scope, change)) : []
      default:
        return []
    }
  }

  /** With an intent of a piece of work, a partition may tell how many it has taken up. */
  #counted(intent: ModelIntent): Following | null {
    const data = counting(intent, this.#ledger, this.#model.settings)
    const made = { state: 'counting', data: data!, timer: null }
    return data === null ? null : this.#change('loop', this.#model.systemScope, countsResource, 'count', made)
  }

  #ofCommit(scope: string, intent: ModelIntent, changes: readonly ResourceChange[], expected: Expected | null): readonly Later[] {
    const drifts = (expected?.drifts ?? []).flatMap(({ resource, to }): Later[] => [
      () => ({ kind: 'rule', rule: 'drift', scope, changes: [] }),
      () => this.#open(scope, { ...this.#asks('DRIFT', intent.agent, resource, to), id: `drift-${hashOf(resource).slice(0, 22)}` }),
    ])
    const built = intent.actions.flatMap(({ action, input, resource }) => {
      const change = changes.find((each) => each.resource === resource) ?? null
      return this.#ofBuiltIn(scope, intent, `${typeOf(resource)} ${action}`, resource, input, change)
    })
    return [...drifts, ...built, () => this.#probe(intent)]
  }

  #ofBuiltIn(
    scope: string,
    intent: ModelIntent,
    what: string,
    resource: string,
    input: PlainObject,
    change: ResourceChange | null,
  ): Later[] {
    const id = resource.slice(resource.indexOf('/') + 1)
    const data = change === null ? {} : (JSON.parse(change.data) as PlainObject)
    const close =
      (name: string): Later =>
      () =>
        this.#close(scope, `escalation/${name}`, 'moot')
    switch (what) {
      case 'agent release':
        return [close(`breaker-${id}`)]
      case 'effect done':
        return [close(`effect-${id}`)]
      case 'effect failed':
        return [
          close(`effect-${id}`),
          () => this.#open(scope, { id: `effect-failed-${id}`, cause: 'EFFECT_FAILED', agent: data.agent as string, resource }),
        ]
      case 'escalation reject':
        return this.#settles(data.intentId as string | null, 'ESCALATION_DENIED')
      case 'escalation approve':
      case 'escalation amend':
        return change!.state === 'resolved' ? this.#ofVerdict(data, input) : []
      case 'handoff accept':
        return [() => this.#handOn(scope, intent, data)]
      case 'intent withdraw':
        return this.#settles(id, 'WITHDRAWN')
      case 'task offer':
      case 'task claim':
      case 'task cancel':
        return [close(`task-${id}`)]
      case 'transfer stuck':
        return change!.fromState === 'stuck'
          ? []
          : [() => this.#open(scope, { id: `transfer-${id}`, cause: 'TRANSFER_STUCK', agent: data.agent as string, resource })]
      default:
        return []
    }
  }

  #settles(intentId: string | null, code: string): Later[] {
    return [() => (intentId !== null && this.#ledger.pending.has(intentId) ? { kind: 'rejected', intentId, code } : null)]
  }

  #ofVerdict(data: PlainObject, { actions = null }: PlainObject): Later[] {
    const intentId = data.intentId as string | null
    if (intentId === null) return []
    const agreed = agreedOn(data)
    if (actions === null) return [() => ({ kind: 'agreed', intentId, agreed })]
    const pending = this.#ledger.pending.get(intentId)!
    return [
      () => ({ kind: 'rejected', intentId, code: 'ESCALATION_AMENDED' }),
      () => ({ kind: 'amended', pending, actions: actions as PlainObject[], agreed }),
    ]
  }

  #handOn(scope: string, intent: ModelIntent, { from, task }: PlainObject): Following | null {
    const ledger = this.#ledger
    if (task === null || !isStillWith({ intent, ledger, nowMs: ledger.time }, task as string, from as string)) return null
    const { data } = ledger.find(scope, task as string)!
    const made = claimed({ ...data, hops: (data.hops as number) + 1 }, intent.agent, ledger.time)
    return this.#change('other', scope, task as string, 'hand-on', made)
  }

  #ofTimer(scope: string, { data: text, resource, state }: ResourceChange): readonly Later[] {
    const data = JSON.parse(text) as PlainObject
    const id = resource.slice(resource.indexOf('/') + 1)
    const open = (opened: Pick<Opened, 'id' | 'cause'> & { readonly agent: unknown }): Later[] => [
      () => this.#open(scope, { ...opened, agent: opened.agent as string, resource }),
    ]
    switch (`${typeOf(resource)} ${state}`) {
      case 'effect unreported':
        return open({ id: `effect-${id}`, cause: 'EFFECT_UNREPORTED', agent: data.agent })
      case 'escalation expired':
        return this.#settles(data.intentId as string | null, 'ESCALATION_EXPIRED')
      case 'handoff expired':
        return open({ id: `handoff-${id}`, cause: 'HANDOFF_UNANSWERED', agent: data.to })
      case 'task unclaimed':
        return open({ id: `task-${id}`, cause: 'TASK_UNCLAIMED', agent: data.offeredBy })
      default:
        return []
    }
  }

  #ofReject(
    { payload }: Event & { readonly type: 'IntentRejected' },
    intent: ModelIntent | null,
    expected: Expected | null,
  ): readonly Later[] {
    if (intent === null) return []
    const { code, movedBy, resource } = payload
    return [
      () => (expected?.isRenewed === true ? this.#renew(intent) : null),
      () => this.#wentWrong(intent, code),
      () => (movedBy === null || resource === null ? null : this.#contradiction(intent, resource, movedBy.agent)),
    ]
  }

  #wentWrong(intent: ModelIntent, code: string): Following | null {
    const { agent, scope } = intent
    const breaker = this.#ledger.breaker(scope, agent)
    if (breaker === 'half-open' && !isTurnedAway(code)) return isOwn(agent) ? null : this.#openBreaker(scope, agent)
    const { containment } = this.#model.settings
    const isWrong = code !== 'WRONG_PARTITION' && breaker === 'closed' && mustOpen({ intent, ledger: this.#ledger }, containment)
    return isWrong ? this.#openBreaker(scope, agent) : null
  }

  #openBreaker(scope: string, agent: string): Following | null {
    const ledger = this.#ledger
    const nowMs = ledger.time
    const resource = `agent/${agent}`
    if (ledger.find(scope, resource)?.state === 'quarantined') return null
    const { openMs, opensBeforeQuarantine } = this.#model.settings.containment.breaker
    const known = knownOf(ledger, scope, agent, nowMs)
    const opens = ((known.sinceMs as number) > nowMs - 86_400_000 ? (known.opens as number) : 0) + 1
    const data = { ...known, reason: '*', sinceMs: nowMs, opens, successes: 0 }
    const cause = opensBeforeQuarantine !== null && opens >= opensBeforeQuarantine ? 'QUARANTINE' : 'BREAKER_OPEN'
    const made = { state: 'open', data, timer: { due: nowMs + openMs, action: 'try' } }
    const ask = () => this.#open(scope, { id: `breaker-${agent}`, rule: 'breaker', cause, agent, resource })
    return { ...this.#change('breaker', scope, resource, 'open', made), next: ask }
  }

  /** What a half-open breaker learns from a commit. */
  #probe({ agent, scope }: ModelIntent): Following | null {
    if (isOwn(agent) || this.#ledger.breaker(scope, agent) !== 'half-open') return null
    const { data } = this.#ledger.find(scope, `agent/${agent}`)!
    const successes = (data.successes as number) + 1
    const closes = successes >= this.#model.settings.containment.breaker.probes
    const made = { state: closes ? 'active' : 'half-open', data: { ...data, successes }, timer: null }
    const rule = this.#change('breaker', scope, `agent/${agent}`, closes ? 'close' : 'probe', made)
    const name = `escalation/breaker-${agent}`
    const isAsked = () => this.#ledger.find(scope, name)?.data.cause === 'BREAKER_OPEN'
    return closes ? { ...rule, next: () => (isAsked() ? this.#close(scope, name, 'moot') : null) } : rule
  }

  #contradiction({ agent, scope }: ModelIntent, resource: string, other: string): Following | null {
    if (other === agent || isOwn(other) || resource.startsWith('reservation/')) return null
    const setting = governing(resource)?.contradictions
    if (setting === undefined) return null
    if (this.#ledger.contradictions.at([scope, resource, agent, other].join('\n'), this.#ledger.time) < setting.count) return null
    const id = `contradiction-${hashOf([scope, resource, agent, other].join('\u0000')).slice(0, 22)}`
    return this.#open(scope, { ...this.#asks('CONTRADICTION', agent, resource, setting.to), id, rule: 'contradiction' })
  }

  #asks(cause: string, agent: string, resource: string, to: string) {
    return { cause, agent, resource, levels: [{ to, withinMs: this.#model.settings.containment.escalateWithinMs }] }
  }

  /** A pending intent is put before a human. */
  #ask(intent: ModelIntent, { approvals, cause, resource, to }: Question): Following {
    const levels = levelsOf(intent, to, this.#model.settings.containment)
    const about = { agent: intent.agent, intentId: intent.intentId, resource, versions: versionsOf(intent, this.#ledger) }
    return this.#open(intent.scope, {
      id: intent.intentId,
      cause,
      ...about,
      levels,
      approvals,
      isSeparated: isSeparated(intent),
      ...(intent.deadline === null ? {} : { untilMs: intent.deadline }),
    })
  }

  #open(scope: string, opened: Opened): Following {
    const { agent, cause, id, intentId = null, resource, rule = 'escalation', versions = [] } = opened
    const ledger = this.#ledger
    const name = `escalation/${id}`
    const before = ledger.find(scope, name)
    if (before !== undefined && (before.state === 'triggered' || before.state === 'acknowledged')) {
      const data = { ...before.data, count: (before.data.count as number) + 1, message: '*' }
      return this.#change(rule, scope, name, 'again', { state: before.state, data, timer: before.timer })
    }
    const { escalateTo, escalateWithinMs } = this.#model.settings.containment
    const levels = opened.levels ?? [{ to: escalateTo, withinMs: escalateWithinMs }]
    const sumMs = levels.reduce((sum, { withinMs }) => sum + withinMs, 0)
    const nobody = { approvals: [], acknowledgedBy: null, assignee: null, verdict: null, verdictBy: null, verdictReason: null }
    const data: PlainObject = {
      ...nobody,
      cause,
      message: '*',
      group: `${cause} ${resource === null ? agent : typeOf(resource)}`,
      agent,
      intentId,
      resource,
      levels: [...levels],
      level: 0,
      to: levels[0]!.to,
      expiresMs: Math.min(opened.untilMs ?? Number.MAX_SAFE_INTEGER, ledger.time + sumMs),
      untilMs: opened.untilMs ?? null,
      openedMs: ledger.time,
      count: 1,
      versions: [...versions],
      // What is shown is held against the log by check-coordination.ts.
      asked: '*',
      digest: '*',
      approvalsNeeded: opened.approvals ?? 1,
      separationOfDuties: opened.isSeparated ?? false,
    }
    return this.#change(rule, scope, name, 'trigger', { state: 'triggered', data, timer: levelEnd(data, ledger.time) })
  }

  #closeOf(settled: ModelPending | undefined): Following | null {
    if (settled?.escalation == null) return null
    return this.#close(settled.intent.scope, settled.escalation, '*')
  }

  #close(scope: string, name: string, verdict: string): RuleToApply | null {
    const before = this.#ledger.find(scope, name)
    if (before === undefined || (before.state !== 'triggered' && before.state !== 'acknowledged')) return null
    const data = { ...before.data, verdict, verdictReason: '*' }
    return this.#change('escalation', scope, name, 'close', { state: 'resolved', data, timer: null })
  }

  /** A verdict on a world that has moved: what is asked is asked anew. */
  #renew({ actions, scope }: ModelIntent): Following {
    const name = actions[0]!.resource
    const before = this.#ledger.find(scope, name)!
    const { intent } = this.#ledger.pending.get(before.data.intentId as string)!
    const versions = versionsOf(intent, this.#ledger)
    const again = this.#model.decideAgreed(intent, new Map(versions.map(({ resource, version }) => [resource, version])))
    const asked = again.code === null ? (again.question?.approvals ?? 1) : 1
    const approvalsNeeded = Math.max(before.data.approvalsNeeded as number, asked)
    const data = { ...before.data, versions: [...versions], asked: '*', digest: '*', approvals: [], approvalsNeeded }
    return this.#change('verdict', scope, name, 'renew', { state: before.state, data, timer: before.timer })
  }

  #change(rule: string, scope: string, resource: string, action: string, made: Made): RuleToApply {
    return { kind: 'rule', rule, scope, changes: [changeOf(resource, action, this.#ledger.find(scope, resource), made)] }
  }
}
