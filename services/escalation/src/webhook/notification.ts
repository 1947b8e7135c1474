/** What people are told of, and how it looks on the wire. */
import { WebhookError } from './errors.ts'

export const notificationTypes = [
  'escalation.triggered',
  'escalation.level',
  'escalation.resolved',
  'escalation.expired',
  'escalation.again',
] as const

export type NotificationType = (typeof notificationTypes)[number]

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export interface Notification {
  /** 1 to 128 of `A-Z a-z 0-9 _ -`, derived from what caused it: who tells of the same thing again gives the same id. */
  readonly id: string
  readonly type: NotificationType
  /** When it happened, in milliseconds since 1970, UTC. */
  readonly timestampMs: number
  /** The key of the cause. Notifications of one group reach a target in the order in which they were given. */
  readonly group: string
  readonly payload: Json
}

/** The largest body that is sent, in bytes; receivers commonly refuse more. */
export const bodyLimitBytes = 128 * 1024

// A full stop would make two different triples of id, time and body sign alike.
const idPattern = /^[A-Za-z0-9_-]{1,128}$/
const groupLimit = 1_024
const lastTimestampMs = 8.64e15

/**
 * The body of a notification as UTF-8, the same bytes at every attempt: `type`, `timestamp` (ISO 8601) and `data`, as
 * Standard Webhooks recommends, and `group`. It may be longer than `bodyLimitBytes`: the caller decides what then.
 *
 * @throws WebhookError NOTIFICATION_INVALID
 */
export function bodyOf({ id, type, timestampMs, group, payload }: Notification): Buffer {
  if (!idPattern.test(id)) throw invalid(id, 'its id must be 1 to 128 letters, digits, underscores and hyphens')
  if (!notificationTypes.includes(type)) throw invalid(id, `its type ${JSON.stringify(type)} is none of ${notificationTypes.join(', ')}`)
  if (!Number.isInteger(timestampMs) || timestampMs < 0 || timestampMs > lastTimestampMs)
    throw invalid(id, 'its timestampMs must be whole milliseconds since 1970')
  if (group.length === 0 || group.length > groupLimit) throw invalid(id, `its group must have 1 to ${groupLimit} characters`)
  try {
    return Buffer.from(JSON.stringify({ type, timestamp: new Date(timestampMs).toISOString(), group, data: payload }))
  } catch (error) {
    throw invalid(id, 'its payload must be JSON', error)
  }
}

function invalid(id: string, why: string, cause?: unknown): WebhookError {
  return new WebhookError('NOTIFICATION_INVALID', `notification ${JSON.stringify(id.slice(0, 128))}: ${why}`, { cause })
}
