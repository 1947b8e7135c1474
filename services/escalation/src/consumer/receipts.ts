/**
 * What became of notifications, in the log's topic `notifications`: so that who starts again tells nobody twice what arrived, and
 * an engineer can see whether the pager was called. A record is JSON:
 * `{"kind":"begun","eventsOffset":N}`: before the first; what lies before N is old;
 * `{"kind":"delivered","id":..., "target":..., "attempts":N, "escalation":..., "type":...}`, or `"kind":"dead-lettered"` with a `cause`;
 * of a dead letter that was sent again also `"letter"`, which it is, and `"mark"`, the event that asked for it.
 */
import { isLogError, type Log, LogError } from '@signalbox/log'
import type { Settlement } from '../webhook/index.ts'
import type { LetterAgain } from './letters-again.ts'
import { type Notice, placeOfId } from './notices.ts'

const bounds = { maxRecords: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 }
const patienceReads = 30

export interface Told {
  /** Log offset of events; null before the first start. */
  readonly begun: number | null
  /** `receiptKey` of what is settled. */
  readonly settled: Set<string>
}

/** By place: a restored copy of a log has the receipts of the log, whose id is another. */
export function receiptKey(id: string, target: string): string {
  return `${placeOfId(id)} ${target}`
}

/** Of a dead letter that was sent again. */
export function letterKey({ id, mark }: Pick<LetterAgain, 'id' | 'mark'>): string {
  return `letter ${id} ${mark}`
}

interface Receipt {
  readonly kind: string
  readonly eventsOffset?: number
  readonly id?: string
  readonly target?: string
  readonly letter?: string
  readonly mark?: string
}

/** Everything that is known of a partition. Errors as of a cursor. */
export async function readReceipts(log: Log, partition: number): Promise<Told> {
  const { end, start } = await log.offsets('notifications', partition)
  const settled = new Set<string>()
  let begun: number | null = null
  const cursor = await log.cursor({ topic: 'notifications', partition, fromOffset: start })
  try {
    for (let empty = 0; cursor.position < end; ) {
      const records = await cursor.next(bounds)
      empty = records.length === 0 ? empty + 1 : 0
      if (empty > patienceReads)
        throw new LogError('TRANSIENT', `the notifications of partition ${partition} cannot be read to their end; look at the broker`)
      for (const { offset, value } of records) {
        const receipt = parse(value, partition, offset)
        if (receipt.kind === 'begun') begun ??= receipt.eventsOffset ?? 0
        else if (receipt.id !== undefined && receipt.target !== undefined) settled.add(receiptKey(receipt.id, receipt.target))
        if (receipt.letter !== undefined && receipt.mark !== undefined) settled.add(letterKey({ id: receipt.letter, mark: receipt.mark }))
      }
    }
  } finally {
    await cursor.close()
  }
  return { begun, settled }
}

function parse(value: Uint8Array | null, partition: number, offset: number): Receipt {
  try {
    return JSON.parse(Buffer.from(value ?? new Uint8Array()).toString()) as Receipt
  } catch (cause) {
    const where = `notification record ${partition}:${offset}`
    throw new LogError('CORRUPT', `${where} is no JSON: something else than the escalation consumer wrote to this topic`, { cause })
  }
}

export async function writeBegun(log: Log, partition: number, eventsOffset: number): Promise<void> {
  await append(log, partition, 'begun', { kind: 'begun', eventsOffset })
}

/** Twice the same does no harm. */
export async function writeReceipt(
  log: Log,
  { notification, resource, scope, partition }: Notice,
  settlement: Exclude<Settlement, { kind: 'handed-back' }>,
  letter: LetterAgain | null,
): Promise<void> {
  const { kind, target } = settlement
  const outcome =
    settlement.kind === 'delivered'
      ? { attempts: settlement.attempts }
      : { attempts: settlement.cause.attempts, cause: settlement.cause.code }
  await append(log, partition, scope, {
    kind,
    id: notification.id,
    target,
    ...outcome,
    type: notification.type,
    escalation: resource,
    scope,
    ...(letter === null ? {} : { letter: letter.id, mark: letter.mark }),
  })
}

async function append(log: Log, partition: number, key: string, receipt: object): Promise<void> {
  await log.appendAside('notifications', partition, { key, value: Buffer.from(JSON.stringify(receipt)), headers: {} })
}

/** Whether a write may be tried again. */
export function isPassing(error: unknown): error is LogError {
  return isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL')
}
