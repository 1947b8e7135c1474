/** Dead letters that a human has redriven: the same notification, to the target that it did not reach. */
import { type Event, formatEventReference, parseDeadLetterId } from '@signalbox/contract'
import { readRecord } from '@signalbox/dead-letters'
import type { LogReader } from '@signalbox/log'
import type { NotificationLetter } from './dead-letter-topic.ts'
import type { Notice } from './notices.ts'

export interface LetterAgain {
  /** escalation:PARTITION:OFFSET */
  readonly id: string
  readonly partition: number
  readonly offset: number
  /** The event in which a human said so, as PARTITION/OFFSET/INDEX: it may be said again later. */
  readonly mark: string
}

const resourcePrefix = 'dead-letter/'

export function lettersAgain(event: Event): readonly LetterAgain[] {
  if (event.type !== 'IntentCommitted') return []
  return event.payload.changes.flatMap(({ action, resource }) => {
    if (action !== 'redrive' || !resource.startsWith(resourcePrefix)) return []
    const id = resource.slice(resourcePrefix.length)
    const letter = parseDeadLetterId(id)
    return letter?.topic === 'escalation'
      ? [{ id, partition: letter.partition, offset: letter.offset, mark: formatEventReference(event) }]
      : []
  })
}

/** Null where there is no such letter any more, or it cannot be read as one. Errors: those of the log. */
export async function noticeOfLetter(
  log: LogReader,
  { offset, partition }: LetterAgain,
): Promise<{ readonly notice: Notice; readonly target: string } | null> {
  const record = await readRecord(log, 'dead-letters.escalation', partition, offset)
  const letter = record === null ? null : parse(record.value)
  if (letter === null) return null
  const { cause, escalation, notification, scope } = letter
  return { notice: { resource: escalation, scope, partition, notification, to: [], isOpen: false }, target: cause.target }
}

function parse(value: Uint8Array | null): NotificationLetter | null {
  try {
    const letter = JSON.parse(Buffer.from(value ?? new Uint8Array()).toString()) as Partial<NotificationLetter>
    return typeof letter.notification?.id === 'string' && typeof letter.cause?.target === 'string' ? (letter as NotificationLetter) : null
  } catch {
    return null
  }
}
