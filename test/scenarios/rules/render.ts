/** Events as lines of text that a person can check. */
import type { Event, Intent, ResourceChange } from '@signalbox/contract'
import { noticesOf } from '@signalbox/escalation'
import { startMs } from './script.ts'

/** Renders one play. Of data that was shown before, only what differs is shown again. */
export class Renderer {
  readonly #shown = new Map<string, Readonly<Record<string, unknown>>>()

  /** The lines of what one record made. Ids that the script named are shown by their names. */
  lines(events: readonly Event[], ids: ReadonlyMap<string, Intent>): string[] {
    return events
      .flatMap((event) => [...linesOf(event, (change) => this.#changeLine(event.scope, change)), ...toldOf(event)])
      .map((line) => `    ${named(line, ids)}`)
  }

  #changeLine(scope: string, { action, data, fields, fromState, resource, state, timer, version }: ResourceChange): string {
    const key = `${scope} ${resource}`
    const before = this.#shown.get(key)
    const now = JSON.parse(data) as Readonly<Record<string, unknown>>
    this.#shown.set(key, now)
    const changed = Object.entries(now).filter(([name, value]) => JSON.stringify(before?.[name]) !== JSON.stringify(value))
    const then = timer === null ? '' : `, ${timer.action} at ${timer.due}`
    const merged = fields === null ? '' : ` (${fields.join(', ')})`
    return `  ${resource} ${action}: ${fromState ?? 'none'} -> ${state} v${version} ${JSON.stringify(Object.fromEntries(changed))}${merged}${then}`
  }
}

/** Whom the escalation consumer tells. */
function toldOf(event: Event): string[] {
  return noticesOf(event, 'story').map(
    ({ notification: { group, type }, resource, to }) => `  tells ${to.join(' and ')}: ${type} ${resource}, as ${JSON.stringify(group)}`,
  )
}

function named(line: string, ids: ReadonlyMap<string, Intent>): string {
  let text = line
  for (const [name, { intentId }] of ids) text = text.replaceAll(intentId, `$${name}`)
  // Times and digests as a person reads them.
  return text.replaceAll(/\b1780\d{9}\b/g, (ms) => `+${Number(ms) - startMs}`)
}

function linesOf(event: Event, changeLine: (change: ResourceChange) => string): string[] {
  const by = 'agent' in event.payload && event.payload.agent !== null ? ` ${event.payload.agent}` : ''
  switch (event.type) {
    case 'IntentCommitted': {
      const { amount, changes, settles, verdict } = event.payload
      const how = `${settles === null ? '' : ', which was pending'}${verdict === null ? '' : `, under ${verdict}`}${amount === null ? '' : `, amount ${amount}`}`
      return [`committed${by}${how}`, ...changes.map(changeLine)]
    }
    case 'IntentRejected': {
      const { code, message, retryAfterMs, settles } = event.payload
      return [
        `rejected${by} ${code}${settles === null ? '' : ', which was pending'}: ${message}${retryAfterMs === null ? '' : ` (in ${retryAfterMs} ms)`}`,
      ]
    }
    case 'IntentDuplicated': {
      const { code, outcome } = event.payload
      return [`duplicate of one that is ${outcome}${code === null ? '' : ` ${code}`}`]
    }
    case 'IntentPending': {
      const { code, escalation, message, reason, resources, until } = event.payload
      const what = reason === 'waiting' ? `with ${resources.join(', ')}` : `on ${escalation}`
      return [`pending${by} ${reason} ${what}, until ${until}: ${code}: ${message}`]
    }
    case 'IntentShadowed': {
      const { by: what, changes, code, message } = event.payload
      return [
        `in shadow by ${what}: ${code === null ? 'would be committed' : `would be rejected ${code}: ${message}`}`,
        ...changes.map(changeLine),
      ]
    }
    case 'WaitersExamined':
      return event.payload.waiting.map(({ code, intentId }) => `still waits ${intentId}: ${code}`)
    case 'RuleApplied': {
      const { changes, code, details, message, rule } = event.payload
      return [
        `rule ${rule}${code === null ? '' : ` ${code}`}: ${message}${details === null ? '' : ` ${details}`}`,
        ...changes.map(changeLine),
      ]
    }
    case 'PartitionOpened':
    case 'PartitionCarried':
    case 'ScopeCarried':
      return []
  }
}
