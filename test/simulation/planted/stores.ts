/** Stores that break what the log port promises. */
import { type AppendedBatch, type Batch, isLogError, LogError, type LogRecord, type RecordToAppend } from '@signalbox/log'
import { MemoryLogStore } from '@signalbox/log-memory'

/** Knows the newest owner, to write in its name. */
class OwnedStore extends MemoryLogStore {
  protected readonly newest = new Map<number, number>()

  override takeOwnership(partition: number, generation: number): number {
    const epoch = super.takeOwnership(partition, generation)
    this.newest.set(partition, epoch)
    return epoch
  }
}

/** Whoever has ever opened a partition may write to it. */
export class UnfencedStore extends OwnedStore {
  override appendBatch(partition: number, _epoch: number, batch: Batch, timestampMs: number): AppendedBatch {
    return super.appendBatch(partition, this.newest.get(partition)!, batch, timestampMs)
  }
}

/** Tells a fenced owner that it is fenced, and writes its batch all the same. */
export class LateFenceStore extends OwnedStore {
  override appendBatch(partition: number, epoch: number, batch: Batch, timestampMs: number): AppendedBatch {
    try {
      return super.appendBatch(partition, epoch, batch, timestampMs)
    } catch (error) {
      if (isLogError(error, 'FENCED')) super.appendBatch(partition, this.newest.get(partition)!, batch, timestampMs)
      throw error
    }
  }
}

/** Now and then writes the first event of a batch alone, and fails. */
export class TornStore extends MemoryLogStore {
  #batches = 0

  override appendBatch(partition: number, epoch: number, batch: Batch, timestampMs: number): AppendedBatch {
    if (batch.events.length < 2 || this.#batches++ % 3 !== 1) return super.appendBatch(partition, epoch, batch, timestampMs)
    super.appendBatch(partition, epoch, { events: batch.events.slice(0, 1), deadLetters: [] }, timestampMs)
    throw new LogError('OUTCOME_UNKNOWN', 'Planted: the batch was torn.')
  }
}

/** Now and then acknowledges an intent that it does not keep. */
export class ForgetfulStore extends MemoryLogStore {
  #intents = 0

  override appendIntent(partition: number, intent: RecordToAppend, timestampMs: number): LogRecord {
    if (this.#intents++ % 9 !== 5) return super.appendIntent(partition, intent, timestampMs)
    return { ...intent, offset: this.topic('intents', partition).offsets.end, timestampMs }
  }
}
