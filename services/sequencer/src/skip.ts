/**
 * Passes one record by, for the record that kills or stalls every owner in turn: takes the partition over for a moment,
 * writes its reject and its dead letter as an owner would, without decoding it, and lets go.
 */
import { formatEventReference, isOwnEvent } from '@signalbox/contract'
import type { Skip } from '@signalbox/core'
import { type Cursor, isLogError, LogError, type LogRecord, type PartitionWriter } from '@signalbox/log'
import { Restore } from '@signalbox/partition-state'
import { decideBatch } from './decide-batch.ts'
import { openingBatch } from './opening.ts'
import type { SequencerSettings } from './settings.ts'
import { firstBase, readSnapshot } from './snapshots.ts'

export interface SkipRequest extends Skip {
  readonly partition: number
  readonly offset: number
  /** How long to go on trying: owners that die and come back may take the partition at any moment. */
  readonly timeoutMs: number
}

/** The record is not the next to be decided; the message says which is. */
export class NotNextError extends Error {
  override readonly name = 'NotNextError'
}

/** Gives the reference of the event that was written. Errors: NotNextError; LogError when it could not be done in time. */
export async function skipIntent(settings: SequencerSettings, request: SkipRequest): Promise<string> {
  const { clock, log } = settings
  const deadlineMs = clock.nowMs() + request.timeoutMs
  let generation = 1
  // With it in the group, whoever was fenced here gets the partition anew when it leaves.
  const membership = await log.join({
    assigned: (assignment) => {
      generation = Math.max(generation, assignment.generation)
    },
    revoked: async () => {},
    lost: () => {},
  })
  try {
    for (;;) {
      try {
        return await skipOnce(settings, request, generation)
      } catch (error) {
        if (!isLogError(error, 'FENCED', 'TRANSIENT', 'OUTCOME_UNKNOWN') || clock.nowMs() > deadlineMs) throw error
        await clock.sleep(settings.bounds.firstRetryMs, new AbortController().signal)
      }
    }
  } finally {
    await membership.leave()
  }
}

async function skipOnce(settings: SequencerSettings, request: SkipRequest, generation: number): Promise<string> {
  const { log } = settings
  const { partition } = request
  const writer = await log.open({ partition, generation, signal: new AbortController().signal })
  let cursor: Cursor | undefined
  try {
    const base = (await readSnapshot(settings, partition)) ?? firstBase(settings, partition)
    const { clock, codec, bounds } = settings
    const patience = { patienceMs: bounds.restorePatienceMs, nowMs: () => clock.nowMs() }
    const restore = await Restore.open({ log, codec, base, signal: new AbortController().signal, ...patience })
    try {
      await restore.toEnd((await log.offsets('events', partition)).end)
      const { state } = base
      const { start } = await log.offsets('intents', partition)
      cursor = await log.cursor({ topic: 'intents', partition, fromOffset: Math.max(start, state.nextOffset) })
      const record = await theNext(cursor, request, state.nextOffset)
      // The contracts stay those of the last owner: nothing is decided here.
      const { lastOffset } = await writer.append(
        openingBatch({ ...settings, ours: { ...settings.ours, records: state.contracts } }, partition),
      )
      await restore.through(lastOffset)
      return await write({ ...settings, writer }, { state, chain: restore.chain, epoch: `${lastOffset}` }, record, request)
    } finally {
      await restore.close()
    }
  } finally {
    await Promise.allSettled([writer.close(), cursor?.close()])
  }
}

async function theNext(cursor: Cursor, { offset, partition }: SkipRequest, nextOffset: number): Promise<LogRecord> {
  if (offset < nextOffset)
    throw new NotNextError(`intent offset ${offset} of partition ${partition} has its decision; the next without one is ${nextOffset}`)
  const [record] = await cursor.next({ maxRecords: 1, maxBytes: 1, waitMs: 2_000 })
  if (record === undefined) throw new NotNextError(`partition ${partition} has no intent without a decision`)
  if (record.offset !== offset)
    throw new NotNextError(`the next intent of partition ${partition} without a decision is at offset ${record.offset}, not ${offset}`)
  return record
}

async function write(
  settings: SequencerSettings & { readonly writer: PartitionWriter },
  session: Pick<Parameters<typeof decideBatch>[0], 'state' | 'chain' | 'epoch'>,
  record: LogRecord,
  { by, reason }: SkipRequest,
): Promise<string> {
  const { offset, timestampMs } = record
  const intent = { offset, timestampMs, intent: null, problem: null, skip: { by, reason } }
  const { batch, events } = decideBatch({ settings, ...session }, [record], [intent])
  await settings.writer.append(batch)
  const event = events.find(isOwnEvent)
  if (event?.type !== 'IntentRejected')
    throw new LogError('CORRUPT', `a record that was passed by gave ${event?.type}; this is a bug in Signalbox`)
  return formatEventReference(event)
}
