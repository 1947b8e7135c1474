/** Laws of coordination over the events of one partition, told without computing any decision. Judged before an event is applied. */
import type { Containment, Event, IntentCommittedEvent, ResourceChange } from '@signalbox/contract'
import type { LawsMemory } from './check-laws.ts'
import { isRelief, typeOf } from './model/built-in.ts'
import { type ModelIntent, type PlainObject, sortedText, toModel } from './model/intent.ts'
import { isOwn, isTurnedAway } from './model/ledger.ts'
import { budgetOf } from './model/limits.ts'
import type { Model } from './model/model.ts'
import { modelTypes } from './model/more-rules.ts'
import { hashOf } from './model/people.ts'
import type { ModelResource } from './model/rules.ts'

/** With these nothing of an intent has come to its budget yet. */
const beforeBudgets = /^(WRONG_PARTITION|INTENT_|GENERATION_CLOSED|DEADLINE_PASSED|AGENT_)/

export class CoordinationLaws {
  readonly #model: Model
  readonly #containment: Containment
  readonly #report: (message: string) => void
  readonly #memory: LawsMemory

  constructor(model: Model, memory: LawsMemory, report: (message: string) => void) {
    this.#model = model
    this.#memory = memory
    this.#containment = model.settings.containment
    this.#report = report
  }

  judge(event: Event): void {
    if (event.type === 'IntentCommitted') this.#judgeCommit(event)
    if (event.type === 'IntentCommitted' || event.type === 'RuleApplied') {
      for (const change of event.payload.changes) this.#judgeChange(event, change)
    }
    if (event.type === 'IntentCommitted' || event.type === 'IntentPending' || event.type === 'IntentRejected') this.#judgeBudget(event)
  }

  #judgeCommit({ payload, scope }: IntentCommittedEvent): void {
    const { agent, intentId, verdict } = payload
    if (isOwn(agent)) return
    const intent = toModel(JSON.parse(payload.intent) as PlainObject)
    const relieves = intent.actions.every(isRelief)
    if (this.#model.ledger.breaker(scope, agent) === 'open' && !relieves)
      this.#report(`${intentId} of ${agent} is committed in ${scope}, where its breaker is open`)
    if (this.#containment.shadowAgents.includes(agent)) this.#report(`${agent} is on trial, and its ${intentId} is in force`)
    if (verdict === null) this.#judgeTaint(intent)
    const { maxDepth } = this.#containment
    if (payload.settles === null && intent.causationId !== null && maxDepth !== null) {
      const depth = this.#model.ledger.depthOf(intent.causationId) + 1
      if (depth > maxDepth) this.#report(`${intentId} is committed ${depth} steps from the first of its chain`)
    }
  }

  /** What an agent in quarantine wrote since it went wrong, nobody builds on unseen. */
  #judgeTaint({ actions, intentId, reads, scope }: ModelIntent): void {
    const { ledger } = this.#model
    for (const { resource } of [...actions.filter(({ resource }) => modelTypes.has(typeOf(resource))), ...reads]) {
      const last = ledger.find(scope, resource)?.history.findLast(({ agent }) => agent !== 'clock')
      const since = last === undefined ? null : (ledger.quarantined.get(last.agent) ?? null)
      if (since !== null && last!.timeMs >= since)
        this.#report(`${intentId} builds on ${resource} as ${last!.agent} left it, and no human agreed`)
    }
  }

  #judgeChange(event: Event, change: ResourceChange): void {
    const { resource } = change
    const before = this.#model.find(event.scope, resource)
    const data = JSON.parse(change.data) as PlainObject
    switch (typeOf(resource)) {
      case 'task':
        this.#judgeTask(event, change, data, before)
        break
      case 'handoff':
        this.#judgeHandoff(event, change, data)
        break
      case 'source':
        this.#mustRise(`${event.scope}\n${resource}`, data.version as number)
        break
      case 'escalation':
        this.#judgeVerdict(change, data)
        if (change.action === 'trigger' || change.action === 'renew') this.#judgeAsked(event, change, data)
        break
      case 'trial':
        this.#report(`${change.action} of ${resource} is in force, and its contract is on trial`)
    }
  }

  #judgeTask({ scope }: Event, { action, resource, state }: ResourceChange, data: PlainObject, before: ModelResource | undefined): void {
    const { ledger, time } = this.#model
    if (action !== 'claim' && action !== 'hand-on') return
    this.#mustRise(`${scope}\n${resource}`, data.token as number)
    if (state !== 'claimed' || before?.state !== 'claimed' || action === 'hand-on') return
    const claimer = before.data.claimedBy as string
    const isHeld = (before.data.expiresMs as number) > time && !ledger.isForfeit(claimer, before)
    if (isHeld) this.#report(`${resource} is claimed by ${data.claimedBy}, and ${claimer} has it until ${before.data.expiresMs}`)
  }

  #judgeHandoff(event: Event, { action, resource }: ResourceChange, { seal, to }: PlainObject): void {
    if (action !== 'accept' || event.type !== 'IntentCommitted') return
    const { actions } = JSON.parse(event.payload.intent) as { readonly actions: readonly { resource: string; input: PlainObject }[] }
    const readback = actions.find((each) => each.resource === resource)?.input.readback
    if (hashOf(readback as string) !== seal) this.#report(`${resource} is accepted with ${readback}, and the seal of its packet is ${seal}`)
    if (event.payload.agent !== to) this.#report(`${resource} is accepted by ${event.payload.agent}, and is for ${to}`)
  }

  /** As many different people as it takes have agreed, none of them who asked where that may not be. */
  #judgeVerdict({ resource }: ResourceChange, data: PlainObject): void {
    if (data.verdict !== 'approved' && data.verdict !== 'amended') return
    const by = new Set((data.approvals as PlainObject[]).map((approval) => approval.by as string))
    if (data.verdict === 'amended') by.add(data.verdictBy as string)
    if (by.size < (data.approvalsNeeded as number))
      this.#report(`${resource} is ${data.verdict} by ${[...by]}, and ${data.approvalsNeeded} must agree`)
    if ([...by].some((name) => !name.startsWith('human:'))) this.#report(`${resource} is ${data.verdict} by ${[...by]}`)
    if (data.separationOfDuties === true && by.has(data.agent as string))
      this.#report(`${resource} is ${data.verdict} by ${data.agent}, who asked for it`)
  }

  /** Who is asked sees what the intent asks and the world as it is, and the digest is of all of it. */
  #judgeAsked({ scope }: Event, { resource }: ResourceChange, { asked, digest, intentId, versions }: PlainObject): void {
    if (digest !== hashOf(sortedText({ asked: asked ?? null, versions: versions! })))
      this.#report(`${resource} has a digest that is not of what is shown`)
    const pending = intentId === null ? undefined : this.#model.ledger.pending.get(intentId as string)
    if (pending === undefined) return
    const { actions, note, resources } = asked as { actions: PlainObject[]; note: unknown; resources: PlainObject[] }
    const sent = JSON.parse(pending.intent.canonical) as { actions: PlainObject[]; note?: string }
    const wanted = sent.actions.map(({ action, input, resource: name }) => ({ action, input, resource: name }))
    if (sortedText(actions as never) !== sortedText(wanted as never) || note !== (sent.note ?? null))
      this.#report(`${resource} shows ${JSON.stringify(actions)}, and the intent asks ${JSON.stringify(wanted)}`)
    for (const { data, resource: name, version } of resources) {
      const found = this.#model.find(scope, name as string)
      const [seen, is] = [data ?? null, found?.data ?? null]
      if (version !== (found?.version ?? 0) || sortedText(seen as never) !== sortedText(is as never))
        this.#report(`${resource} shows ${name} as ${JSON.stringify(seen)} at version ${version}, and it is ${JSON.stringify(is)}`)
    }
  }

  #mustRise(key: string, number: number): void {
    const highest = this.#memory.highest.get(key)
    if (highest !== undefined && number <= highest) this.#report(`${key.replace('\n', ' ')} goes from ${highest} to ${number}`)
    this.#memory.highest.set(key, number)
  }

  /** Within one window nobody gets more than its budget, however the window before it counts. */
  #judgeBudget(event: Event & { readonly type: 'IntentCommitted' | 'IntentPending' | 'IntentRejected' }): void {
    const { payload, scope, time, type } = event
    const { agent, intent } = payload
    const budget = agent === null ? undefined : budgetOf(agent, this.#containment)
    if (budget === undefined || intent === null) return
    const key = `${scope}\n${agent}\n${Math.floor(time / this.#model.settings.windowMs)}`
    const spent = this.#memory.spent.get(key) ?? { asked: 0, amount: 0 }
    this.#memory.spent.set(key, spent)
    const isFirst = type === 'IntentPending' ? payload.since === null : payload.settles === null
    const isAsked = type !== 'IntentRejected' || (!isTurnedAway(payload.code) && !beforeBudgets.test(payload.code))
    if (isFirst && isAsked && !toModel(JSON.parse(intent) as PlainObject).actions.every(isRelief)) spent.asked++
    if (type === 'IntentCommitted') spent.amount += payload.amount ?? 0
    if (spent.asked > (budget.intents ?? Number.POSITIVE_INFINITY))
      this.#report(`${agent} asked ${spent.asked} times in ${scope} within a window`)
    if (spent.amount > (budget.amount ?? Number.POSITIVE_INFINITY))
      this.#report(`${agent} spent ${spent.amount} in ${scope} within a window`)
    const waiting = this.#model.ledger.pendingOf(scope, agent!) + (type === 'IntentPending' && isFirst ? 1 : 0)
    if (waiting > (budget.pending ?? Number.POSITIVE_INFINITY)) this.#report(`${waiting} intents of ${agent} are pending in ${scope}`)
  }
}
