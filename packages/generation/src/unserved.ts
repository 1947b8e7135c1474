/** Intents on partitions that somebody added to the old topic: nobody decided them, so they are sent again, each to where it belongs. */
import { type Codec, UndecodableError, UnknownSchemaError } from '@signalbox/codec'
import { partitionOf } from '@signalbox/contract'
import type { Log, LogRecord } from '@signalbox/log'
import { GenerationError } from './errors.ts'

const readBounds = { maxRecords: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 }
/** A read that brings nothing for so often, short of the end, has met something that stops it: an open transaction. */
const patience = 30

/** Gives how many there were. Whoever sent one meanwhile again gets one decision: its id is the same. Errors: GenerationError, LogError. */
export async function carryUnserved(from: Log, to: { readonly log: Log; readonly codec: Codec }): Promise<number> {
  let count = 0
  for (const { end, partition, start, written } of (await from.unserved?.()) ?? []) {
    if (end < written)
      throw new GenerationError(
        `partition ${partition} was added to the intents, and an open transaction hides what lies there from offset ${end} on; end it (kafka-transactions.sh find-hanging), delete the new topics, and move the log again`,
      )
    const cursor = await from.cursor({ topic: 'intents', partition, fromOffset: start })
    try {
      for (let empty = 0; cursor.position < end; ) {
        const records = await cursor.next(readBounds)
        empty = records.length === 0 ? empty + 1 : 0
        if (empty > patience)
          throw new GenerationError(`partition ${partition} of the intents cannot be read from offset ${cursor.position} on`)
        await Promise.all(records.map((record) => sendAgain(record, to)))
        count += records.length
      }
    } finally {
      await cursor.close()
    }
  }
  return count
}

/** What cannot be decoded becomes a dead letter there, as it would have here. */
async function sendAgain({ headers, key, value }: LogRecord, { codec, log }: { readonly log: Log; readonly codec: Codec }): Promise<void> {
  const scope = (await scopeOf(value, codec)) ?? key ?? ''
  const record = { key: key || scope || 'unknown', value: value ?? new Uint8Array(), headers }
  await log.append(partitionOf(scope, log.partitionCount), record)
}

async function scopeOf(value: Uint8Array | null, codec: Codec): Promise<string | null> {
  try {
    return codec.decodeIntent(value).scope
  } catch (error) {
    if (error instanceof UndecodableError) return null
    if (!(error instanceof UnknownSchemaError)) throw error
    await codec.framing.learn(error.schemaId)
    return codec.decodeIntent(value).scope
  }
}
