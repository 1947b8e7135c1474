/** Laws of a log that was closed, over the events of one partition, told without computing any decision. */
import type { Event } from '@signalbox/contract'
import { generationLog, isReopening } from './model/generation.ts'
import { type PlainObject, toModel } from './model/intent.ts'

/** What may be said of an intent before anybody asks whether the log is closed. */
const doorCodes = /^(GENERATION_CLOSED|WRONG_PARTITION|DEAD_LETTERED|INTENT_(MALFORMED|ID_INVALID|ID_REUSED|EXPIRED|FROM_THE_FUTURE))$/

export class ClosedLog {
  readonly #report: (message: string) => void
  #isClosed = false
  /** The record that closed the log last; its close is the last that happens in it. */
  #closedBy = -1

  constructor(report: (message: string) => void) {
    this.#report = report
  }

  judge(event: Event): void {
    const at = `${event.offset}/${event.index} (${event.type})`
    const change = changeOf(event)
    if (this.#isClosed && !isHarmless(event) && change !== 'reopen')
      this.#report(`${at} comes although the log was closed by record ${this.#closedBy}`)
    if (!this.#isClosed && event.type === 'IntentRejected' && event.payload.code === 'GENERATION_CLOSED')
      this.#report(`${at} is rejected because the log is closed, and it is open`)
    if (change === null) return
    if (event.type !== 'IntentCommitted' || !event.payload.agent.startsWith('human:'))
      this.#report(`${at} says ${change}, and no human did`)
    this.#isClosed = change === 'close'
    if (this.#isClosed) this.#closedBy = event.offset
  }
}

/** What an event says of whether the log goes on. */
function changeOf(event: Event): string | null {
  if ((event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') || !event.scope.startsWith('~partition/')) return null
  return event.payload.changes.find(({ resource }) => resource === generationLog)?.action ?? null
}

/** Changes nothing but what is said of the intent itself. */
function isHarmless({ payload, type }: Event): boolean {
  if (type === 'IntentDuplicated' || type === 'PartitionOpened') return true
  // Who may not open it is told so, or is on trial.
  if (type === 'IntentShadowed') return isReopening(toModel(JSON.parse(payload.intent) as PlainObject))
  if (type !== 'IntentRejected' || payload.settles !== null) return false
  if (doorCodes.test(payload.code)) return true
  return payload.intent !== null && isReopening(toModel(JSON.parse(payload.intent) as PlainObject))
}
