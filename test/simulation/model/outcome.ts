/** What would come of an intent: one check after another, and what it would change. */
import type { Asked, BuiltInAnswer } from './asked.ts'
import { builtInAnswer, isBuiltIn, mayTake, ownAction } from './built-in.ts'
import { behind, fieldsOf, leases, stale, unmergeable } from './checks.ts'
import { changeOf, type Expected, type ModelChange, type ModelSettings, type Question, type Refusal } from './expected.ts'
import { type ModelAction, type Plain, type PlainObject, sortedText } from './intent.ts'
import { budgetOf, heldBack } from './limits.ts'
import { modelTypes } from './more-rules.ts'
import type { Answer, Planned, Result, Subject } from './planned.ts'
import type { ModelTimer, RuleContext } from './rules.ts'
import { typeName, worldOf } from './shadow.ts'

/** What must be known beside the intent: the settings, and what would become of another. */
export interface Judging extends Pick<Asked, 'systemScope'> {
  readonly settings: ModelSettings
  readonly decideAgreed: Asked['decideAgain']
}

export function outcome(subject: Subject, model: Judging): Answer {
  const { settings } = model
  const held = heldBack(subject, settings)
  if (held !== null) return held
  for (const action of subject.intent.actions) {
    const plan = planOf(subject, action)
    if ('code' in plan) return plan
    subject.planned.push(plan)
  }
  const refusal = outdated(subject) ?? stale(subject, settings.missed)
  if (refusal !== null) return refusal
  const leased = leases(subject)
  if ('code' in leased) return leased
  return behind(subject) ?? effects(subject, model, leased.preempted)
}

function planOf({ intent, ledger, planned }: Subject, action: ModelAction): Planned | Refusal {
  const { resource } = action
  const before = ledger.find(worldOf(intent.scope, resource), resource)
  const type = modelTypes.get(typeName(resource))
  const isRepeated = planned.some((other) => other.action.resource === resource)
  if (type === undefined && isBuiltIn(resource)) {
    const own = ownAction(action)
    if (own === undefined) return { code: 'ACTION_UNKNOWN', resource }
    if (!mayTake(intent.agent, own)) return { code: 'AGENT_NOT_ALLOWED', resource }
    return isRepeated ? { code: 'RESOURCE_REPEATED', resource } : { action, rule: null, input: action.input, before }
  }
  if (type === undefined) return { code: 'CONTRACT_UNKNOWN', resource }
  const rule = Object.hasOwn(type.rules, action.action) ? type.rules[action.action] : undefined
  if (rule === undefined) return { code: 'ACTION_UNKNOWN', resource }
  if (rule.agents !== undefined && !rule.agents.includes(intent.agent)) return { code: 'AGENT_NOT_ALLOWED', resource }
  if (isRepeated) return { code: 'RESOURCE_REPEATED', resource }
  const input = rule.input(action.input)
  return input === null ? { code: 'INPUT_INVALID', resource } : { action, rule, input, before }
}

/** A fact whose source has said something newer. */
function outdated({ intent, ledger, planned }: Subject): Refusal | null {
  for (const { action, input, rule } of planned) {
    if (rule?.fact === undefined) continue
    const last = ledger.find(intent.scope, `source/${action.resource}`)
    if (last !== undefined && rule.fact.version(input) <= (last.data.version as number))
      return { code: 'FACT_OUTDATED', resource: action.resource }
  }
  return null
}

function refuse(code: string, { action, before }: Planned): Refusal {
  const movedBy = before?.history.at(-1)?.intentId ?? null
  return { code, resource: action.resource, actualVersion: before?.version ?? null, movedBy }
}

function contextOf({ intent, ledger, planned }: Subject, each: Planned): RuleContext {
  return {
    input: each.input,
    before: each.before,
    find: (resource) => ledger.find(worldOf(intent.scope, resource), resource),
    beside: (resource, action) => planned.find((other) => other.action.resource === resource && other.action.action === action)?.input,
  }
}

function effects(subject: Subject, model: Judging, preempted: readonly string[]): Answer {
  const { intent, ledger, planned } = subject
  const { containment, missed } = model.settings
  for (const each of planned) {
    const from = each.rule?.from ?? ownAction(each.action)!.from
    if (!from.includes(each.before?.state ?? 'none')) return refuse('STATE_CONFLICT', each)
  }
  const answers = new Map<Planned, BuiltInAnswer>()
  for (const each of planned) {
    if (each.rule === null) {
      const answer = builtInAnswer(askedOf(subject, model, each))
      if ('code' in answer) return answer.resource === undefined ? refuse(answer.code, each) : answer
      answers.set(each, answer)
    } else if (each.rule.guard !== undefined && !each.rule.guard(contextOf(subject, each))) return refuse('GUARD_REFUSED', each)
  }
  let amount: number | null = null
  for (const each of planned) if (each.rule?.amount !== undefined) amount = (amount ?? 0) + each.rule.amount(contextOf(subject, each))
  const most = budgetOf(intent.agent, containment)?.amount
  if (amount !== null && most !== undefined && ledger.tally(intent.scope, intent.agent).amount.at(ledger.time) + amount > most)
    return { code: 'BUDGET_EXCEEDED' }
  const results: Result[] = []
  for (const each of planned) {
    const answer = answers.get(each)
    const made = answer !== undefined && 'made' in answer ? answer.made : madeBy(subject, each)
    if (made === 'throws') return { code: 'DEAD_LETTERED' }
    results.push({ ...each, made })
  }
  for (const each of results) {
    const refusal = each.rule?.merges === true ? unmergeable(subject, each, fieldsOf(each.before, each.made!.data), missed) : null
    if (refusal !== null) return refusal
  }
  for (const each of results) {
    if (each.rule !== null && !modelTypes.get(typeName(each.action.resource))!.holds(each.made!.data))
      return refuse('INVARIANT_VIOLATED', each)
  }
  return { results, preempted, amount, question: questionOf(subject) }
}

function askedOf({ intent, ledger }: Subject, model: Judging, { action, before }: Planned): Asked {
  const { settings, systemScope } = model
  return {
    intent,
    action,
    before,
    ledger,
    nowMs: ledger.time,
    containment: settings.containment,
    windowMs: settings.windowMs,
    systemScope,
    decideAgain: (pending, agreed) => model.decideAgreed(pending, agreed),
  }
}

function madeBy(subject: Subject, each: Planned) {
  const { rule } = each
  const data = rule!.after(contextOf(subject, each))
  return data === 'throws' ? data : { state: rule!.to ?? each.before!.state, data, timer: timerAfter(each, subject.ledger.time) }
}

function timerAfter({ action, before, rule }: Planned, nowMs: number): ModelTimer | null {
  const to = rule!.to
  if (to === null) return before?.timer ?? null
  const after = modelTypes.get(typeName(action.resource))!.after?.[to]
  return after === undefined ? null : { due: nowMs + after.ms, action: after.action }
}

/** What a contract puts before a human; else whether the intent stands on what is not to be trusted. */
function questionOf(subject: Subject): Question | null {
  const { intent, ledger, planned } = subject
  for (const each of planned) {
    const asks = each.rule?.asks?.(contextOf(subject, each)) ?? null
    if (asks !== null) return { cause: asks.reason, resource: each.action.resource, to: asks.to, approvals: asks.approvals }
  }
  // Whether a log goes on is for the human who says so.
  if (planned.some(({ action }) => action.resource.startsWith('generation/'))) return null
  const named = [
    ...planned.filter(({ rule }) => rule !== null).map(({ action }) => action.resource),
    ...intent.reads.map(({ resource }) => resource),
  ]
  for (const resource of named) {
    // The clock acts on what is there, whoever put it there.
    const found = ledger.find(worldOf(intent.scope, resource), resource)
    const last = found?.history.findLast(({ agent }) => agent !== 'clock')
    const writers = [...(last === undefined ? [] : [[last.agent, last.timeMs] as const]), ...(found?.builtOn ?? [])]
    const isDoubtful = writers.some(([agent, timeMs]) => timeMs >= (ledger.quarantined.get(agent) ?? Number.POSITIVE_INFINITY))
    if (isDoubtful) return { cause: 'TAINTED', resource, to: null, approvals: 1 }
  }
  return null
}

/** With what follows in the same commit: effects that begin, facts that are taken, and leases that end. */
export function changesOf({ intent, ledger }: Subject, { preempted, results }: Exclude<Answer, Refusal>): readonly ModelChange[] {
  const asked = results.flatMap(({ action, before, made, rule }) => {
    if (made === null) return []
    const merges = Object.values(modelTypes.get(typeName(action.resource))?.rules ?? {}).some((each) => each.merges === true)
    return [changeOf(action.resource, action.action, before, made, merges && rule !== null ? fieldsOf(before, made.data) : null)]
  })
  const beside = results.flatMap(({ action, input, rule }, index) => {
    const begun =
      rule?.reportWithinMs === undefined ? [] : [effectOf({ intent, ledger }, action, index, rule.reportWithinMs, rule.attempts ?? null)]
    return rule?.fact === undefined ? begun : [...begun, factOf({ intent, ledger }, action.resource, input, rule.fact)]
  })
  const ended = preempted.map((resource) => {
    const before = ledger.find(intent.scope, `reservation/${resource}`)!
    const made = { state: 'ended', data: { ...before.data, expiresMs: ledger.time }, timer: null }
    return changeOf(`reservation/${resource}`, 'preempt', before, made)
  })
  return [...asked, ...beside, ...ended]
}

type Where = Pick<Subject, 'intent' | 'ledger'>

function effectOf(
  { intent, ledger }: Where,
  { action, resource }: ModelAction,
  index: number,
  reportWithinMs: number,
  attempts: number | null,
) {
  const { agent, intentId } = intent
  const about = { agent, intentId, resource, action, undo: null, result: null }
  const data = { ...about, idempotent: attempts !== null, reportWithinMs, attempt: 1, attempts: attempts ?? 3 }
  const timer = { due: ledger.time + reportWithinMs, action: 'lapse' }
  return changeOf(`effect/${intentId}-${index}`, 'start', undefined, { state: 'pending', data, timer })
}

function factOf(
  { intent, ledger }: Where,
  resource: string,
  input: PlainObject,
  { fields, version }: NonNullable<Planned['rule'] & object>['fact'] & object,
) {
  const known = Object.fromEntries(fields.filter((field) => input[field] !== undefined).map((field) => [field, input[field]!]))
  const data = { agent: intent.agent, version: version(input), fields: known }
  const name = `source/${resource}`
  return changeOf(name, 'state', ledger.find(intent.scope, name), { state: 'known', data, timer: null })
}

/** Facts that say something else than was committed since their source last spoke. */
export function driftsOf({ intent, ledger, planned }: Subject): Expected['drifts'] {
  return planned.flatMap(({ action, before, input, rule }) => {
    if (rule?.fact === undefined || before === undefined) return []
    const last = ledger.find(intent.scope, `source/${action.resource}`)?.data.fields as PlainObject | undefined
    const isDrift = rule.fact.fields.some((field) => {
      const [was, says] = [textOf(before.data[field]), textOf(input[field])]
      return input[field] !== undefined && was !== says && (last === undefined || was !== textOf(last[field]))
    })
    return isDrift ? [{ resource: action.resource, to: rule.fact.escalateTo }] : []
  })
}

function textOf(value: Plain | undefined): string {
  return value === undefined ? 'undefined' : sortedText(value)
}
