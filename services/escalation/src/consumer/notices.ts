/** Of what people are told, as the events say it. Pure: the same event of the same log gives the same notices with the same ids, always. */
import { sha256 } from '@signalbox/codec'
import { type EscalationData, type Event, formatEventReference, type ResourceChange } from '@signalbox/contract'
import type { Json, Notification, NotificationType } from '../webhook/index.ts'

/** What people are told, and which of them. */
export interface Notice {
  /** type/id of the escalation, in its scope. */
  readonly resource: string
  readonly scope: string
  readonly partition: number
  readonly notification: Notification
  /** Whom contracts and settings name: who is asked now; or, once it is over, everybody who has been asked. */
  readonly to: readonly string[]
  /** Whether the escalation is open after it. */
  readonly isOpen: boolean
}

const groupLimit = 1_024

/** The notices of an event of the log `logId`, in the order in which things happened. */
export function noticesOf(event: Event, logId: string): Notice[] {
  if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') return []
  return event.payload.changes.flatMap((change, index) => {
    const type = change.resource.startsWith('escalation/') ? typeOf(change) : null
    return type === null ? [] : [noticeOf(event, logId, change, index, type)]
  })
}

/** Null for what nobody need be told: that somebody has seen it, or that one of several has approved. */
function typeOf({ action, fromState, state }: ResourceChange): NotificationType | null {
  if (state === 'expired') return 'escalation.expired'
  if (state === 'resolved') return fromState === 'resolved' ? null : 'escalation.resolved'
  switch (action) {
    case 'trigger':
      return 'escalation.triggered'
    case 'lapse':
      return 'escalation.level'
    // Also where what it is about has moved: whoever looked at it must look again.
    case 'again':
    case 'renew':
      return 'escalation.again'
    default:
      return null
  }
}

/**
 * A receiver may hear of many logs, and what is at one position of one is not what is there in another: a log that was made anew under
 * its old name included. The position at the end is that of the event, which a restored copy keeps.
 */
function idOf({ index, offset, partition, scope, time }: Event, logId: string, resource: string, change: number): string {
  const log = sha256(JSON.stringify([logId, scope, resource, time])).slice(0, 22)
  return `escalation-${log}-${partition}-${offset}-${index}-${change}`
}

/** What tells a notification from every other of its log; also of an id that an earlier release gave. */
export function placeOfId(id: string): string {
  return /^escalation-(?:.{22}-)?(\d+-\d+-\d+-\d+)$/.exec(id)?.[1] ?? id
}

function noticeOf(
  event: Event,
  logId: string,
  { data: text, resource, state }: ResourceChange,
  index: number,
  type: NotificationType,
): Notice {
  const data = JSON.parse(text) as EscalationData
  const isOpen = state === 'triggered' || state === 'acknowledged'
  const { partition, scope, time } = event
  return {
    resource,
    scope,
    partition,
    isOpen,
    to: isOpen ? [data.to] : [...new Set(data.levels.slice(0, data.level + 1).map(({ to }) => to))],
    notification: {
      id: idOf(event, logId, resource, index),
      type,
      timestampMs: time,
      group: data.group.slice(0, groupLimit),
      payload: {
        escalation: resource.slice('escalation/'.length),
        scope,
        state,
        event: formatEventReference(event),
        ...(data as unknown as Record<string, Json>),
      },
    },
  }
}
