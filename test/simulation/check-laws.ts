/** Laws over the events of one partition, whoever decided them: they hold even where the model does not compute an outcome. */
import type { Event, ResourceChange } from '@signalbox/contract'
import { differenceOfChanges } from './changes.ts'
import { leaseInForce, mayActUnder } from './model/built-in.ts'
import { type ModelIntent, sortedText } from './model/intent.ts'
import { isOwn } from './model/ledger.ts'
import type { Model } from './model/model.ts'

const mostWaiters = 16
const mostTimers = 32

/** What laws remember of scopes, whichever log they lie in. */
export class LawsMemory {
  /** Pending intents that have come to an end, by scope and id. */
  readonly settled = new Set<string>()
  /** Effects that have begun, by scope and name. */
  readonly effects = new Set<string>()
  /** By scope, agent and window. */
  readonly spent = new Map<string, { asked: number; amount: number }>()
  /** How often a task, or a thing of a source, was claimed or stated last. */
  readonly highest = new Map<string, number>()
}

type Ended = Event & { readonly type: 'IntentCommitted' | 'IntentRejected' }

export class Laws {
  readonly #model: Model
  readonly #report: (message: string) => void
  readonly #memory: LawsMemory
  #due: readonly string[] = []
  #wasClosed = false
  #examined = 0
  #fired = 0

  constructor(model: Model, memory: LawsMemory, report: (message: string) => void) {
    this.#model = model
    this.#memory = memory
    this.#report = report
  }

  /** A record begins: what is due now must happen within it. */
  begin(): void {
    this.#wasClosed = this.#model.isClosed
    this.#due = this.#wasClosed ? [] : this.#dueNow()
    this.#examined = 0
    this.#fired = 0
  }

  judge(event: Event): void {
    if (event.type === 'IntentCommitted' || event.type === 'RuleApplied') {
      for (const change of event.payload.changes) this.#judgeChange(event.scope, change)
    }
    if (event.type === 'RuleApplied' && event.payload.rule === 'timer') this.#judgeTimer(event)
    if (event.type === 'RuleApplied' && event.payload.changes.some(({ action }) => action === 'close')) this.#judgeClose(event)
    if (event.type === 'IntentCommitted') this.#judgeCommit(event)
    if (event.type === 'WaitersExamined') this.#examined += event.payload.waiting.length
    if ((event.type === 'IntentCommitted' || event.type === 'IntentRejected') && event.payload.settles !== null) this.#judgeEnd(event)
    if (event.type === 'WaitersExamined') {
      for (const { code, intentId } of event.payload.waiting) {
        const waiter = this.#model.ledger.pending.get(intentId)
        const expected = waiter === undefined ? null : this.#model.decide(waiter.intent)
        if (expected === null || expected.code !== code)
          this.#report(`${intentId} waits on because of ${code}, and the model says ${expected?.outcome} ${expected?.code}`)
      }
    }
  }

  end(offset: number, intent: ModelIntent | null): void {
    const still = new Set(this.#dueNow())
    const left = this.#due.filter((timer) => still.has(timer))
    if (left.length > 0 && this.#fired < mostTimers) this.#report(`after record ${offset}, ${left.join(', ')} is due and was left`)
    // Who waits is not looked at once the log is closed, nor by who opens it again.
    if (this.#examined >= mostWaiters || this.#wasClosed || this.#model.isClosed) return
    for (const { intent: waiter } of this.#model.overlooked())
      this.#report(`after record ${offset} of ${intent?.agent}, ${waiter.intentId} of ${waiter.agent} waits, and nothing is in its way`)
  }

  /** The world is healed, and the clock has ticked: nothing is left that time alone would end. */
  atTheEnd(): void {
    const left = this.#dueNow()
    if (left.length > 0) this.#report(`at the end ${left.join(', ')} is due and was left`)
    for (const [key, { state }] of this.#model.resources) {
      if (!key.includes('\neffect/')) continue
      const name = key.replace('\neffect/', '\nescalation/effect-')
      if (state === 'unreported' && this.#model.resources.get(name) === undefined)
        this.#report(`${key} went unreported, and nobody was asked`)
    }
  }

  #dueNow(): readonly string[] {
    const { pending, resources, time } = this.#model.ledger
    const due: string[] = []
    for (const [key, { timer }] of resources) if (timer !== null && timer.due <= time) due.push(`${key} at ${timer.due}`)
    for (const [id, { isEscalated, untilMs }] of pending) if (!isEscalated && untilMs <= time) due.push(`pending ${id}`)
    return due
  }

  #judgeChange(scope: string, change: ResourceChange): void {
    const { action, fromState, fromVersion, resource, state, version } = change
    const before = this.#model.find(scope, resource)
    if (fromVersion !== (before?.version ?? 0) || version !== fromVersion + 1 || fromState !== (before?.state ?? null))
      this.#report(`${action} ${resource} goes from ${fromVersion} ${fromState}, and it was ${before?.version} ${before?.state}`)
    const data = JSON.parse(change.data) as { readonly token?: number; readonly holder?: string }
    if (resource.startsWith('reservation/') && action === 'take') {
      const held = leaseInForce(this.#model.ledger, scope, resource.slice('reservation/'.length), this.#model.time)
      if (before !== undefined && data.token! <= (before.data.token as number)) this.#report(`${resource} has token ${data.token} again`)
      if (held !== null && (held.priority as number) >= (JSON.parse(change.data) as { priority: number }).priority)
        this.#report(`${resource} is given to ${data.holder}, and ${held.holder} holds it until ${held.expiresMs}`)
    }
    if (resource.startsWith('effect/') && action === 'start') {
      const key = `${scope}\n${resource}`
      if (this.#memory.effects.has(key)) this.#report(`${resource} begins a second time`)
      this.#memory.effects.add(key)
    }
    const isOver = before?.state === 'resolved' || before?.state === 'expired'
    if (resource.startsWith('escalation/') && isOver && action !== 'trigger')
      this.#report(`${resource} was ${before.state}, and is settled again as ${state}`)
    if (resource.startsWith('transfer/') && (state === 'done' || state === 'undone')) this.#judgeTransfer(resource, state, change.data)
  }

  #judgeTransfer(resource: string, state: string, text: string): void {
    const { legs } = JSON.parse(text) as { readonly legs: readonly { readonly status: string }[] }
    const fit = state === 'done' ? ['confirmed'] : ['refused', 'released']
    if (!legs.every(({ status }) => fit.includes(status)))
      this.#report(`${resource} is ${state}, and its legs are ${legs.map((leg) => leg.status)}`)
  }

  #judgeTimer({ payload: { changes, resource }, scope }: Event & { readonly type: 'RuleApplied' }): void {
    this.#fired++
    const before = this.#model.find(scope, resource!)
    if (before?.timer == null || before.timer.due > this.#model.time) {
      this.#report(`the timer of ${resource} fires, and it is due at ${before?.timer?.due}`)
      return
    }
    const difference = differenceOfChanges(changes, this.#model.timed(scope, resource!))
    if (difference !== null) this.#report(`the timer of ${resource} ${difference}`)
  }

  #judgeClose({ payload: { changes }, scope }: Event & { readonly type: 'RuleApplied' }): void {
    for (const { action, resource } of changes) {
      const before = this.#model.find(scope, resource)
      if (action === 'close' && resource.startsWith('escalation/') && before?.state !== 'triggered' && before?.state !== 'acknowledged')
        this.#report(`${resource} is closed, and was ${before?.state}`)
    }
  }

  #judgeCommit({ payload, scope }: Event & { readonly type: 'IntentCommitted' }): void {
    const { agent, changes } = payload
    const { ledger, time } = this.#model
    if (ledger.quarantined.has(agent) && changes.some(({ resource }) => !resource.startsWith('effect/')))
      this.#report(`${agent} is in quarantine, and its ${payload.intentId} is committed`)
    if (isOwn(agent)) return
    const { reservation = null } = JSON.parse(payload.intent) as { readonly reservation?: string | null }
    for (const { resource } of changes) {
      const held = leaseInForce(ledger, scope, resource, time)
      const isEnded = changes.some((change) => change.resource === `reservation/${resource}` && change.action === 'preempt')
      if (held !== null && !mayActUnder(held, { agent, reservation } as ModelIntent) && !isEnded)
        this.#report(`${payload.intentId} of ${agent} changes ${resource}, which ${held.holder} holds (${sortedText(held)})`)
    }
  }

  #judgeEnd({ payload, scope, type }: Ended): void {
    const { intentId, settles } = payload
    const pending = this.#model.ledger.pending.get(intentId ?? '')
    this.#examined++
    // What a human had done in place of it has an id of its own.
    if (pending === undefined && type === 'IntentCommitted' && payload.verdict !== null) return
    if (pending === undefined || pending.offset !== settles!.offset || pending.index !== settles!.index)
      this.#report(`${intentId} is settled from ${settles!.offset}/${settles!.index}, and it is not pending from there`)
    const key = `${scope}\n${intentId}`
    if (this.#memory.settled.has(key)) this.#report(`${intentId} is settled a second time`)
    this.#memory.settled.add(key)
    if (pending === undefined || type !== 'IntentRejected') return
    if (payload.code === 'DEADLINE_PASSED' && pending.untilMs > this.#model.time)
      this.#report(`${intentId} is over, and may wait until ${pending.untilMs}`)
    if (payload.code.startsWith('ESCALATION_') && !pending.isEscalated)
      this.#report(`${intentId} ends with ${payload.code}, and nobody was asked`)
  }
}
