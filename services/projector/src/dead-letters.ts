/** Tells of parked events in the log's topic for that: each whole, with the cause in headers. */
import { partitionOf } from '@signalbox/contract'
import type { Log } from '@signalbox/log'
import type { StoredParkedEvent } from '@signalbox/projection-store'

/** What a record of `dead-letters.projector` holds. */
export interface ParkedLetter {
  readonly projection: string
  readonly version: number
  readonly key: string
  /** Log offset of the event in its partition. */
  readonly logOffset: number
  /** PARTITION/OFFSET/INDEX */
  readonly reference: string
  readonly cause: string
  readonly stack: string | null
  readonly behind: string | null
  readonly event: StoredParkedEvent['event']
}

/** At least once: after a crash in between the same letter may be there twice, which its headers show. */
export function announceTo(log: Log, versionOf: (projection: string) => number) {
  return async (projection: string, parked: StoredParkedEvent): Promise<void> => {
    const { behind, cause, event, key, logOffset, partition, reference, stack } = parked
    const letter: ParkedLetter = { projection, version: versionOf(projection), key, logOffset, reference, cause, stack, behind, event }
    // Of a log before this one: where its scope is now.
    const at = partition < log.partitionCount ? partition : partitionOf(event.scope, log.partitionCount)
    await log.appendAside('dead-letters.projector', at, {
      key: event.scope === '' ? `partition-${partition}` : event.scope,
      value: Buffer.from(JSON.stringify(letter)),
      headers: {
        sb_code: behind === null ? 'PROJECTION_FAILED' : 'HELD_BACK',
        sb_cause: headerText(cause),
        sb_projection: projection,
        sb_event: reference,
      },
    })
  }
}

const maxHeaderCharacters = 1_000

function headerText(text: string): string {
  return text.toWellFormed().slice(0, maxHeaderCharacters).toWellFormed()
}
