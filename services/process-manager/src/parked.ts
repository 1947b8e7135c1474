/** The dead letter of a reaction: what it was given, and why it could not answer. */
import { faultKey, type ReactionFault } from '@signalbox/follow-ups'
import type { RecordToAppend } from '@signalbox/log'

const maxHeaderCharacters = 1_000

export function parkedLetter(fault: ReactionFault): RecordToAppend {
  const { cause, change, reaction } = fault
  return {
    key: change.scope,
    value: Buffer.from(JSON.stringify(fault)),
    headers: {
      sb_code: 'REACTION_FAILED',
      sb_cause: cause.toWellFormed().slice(0, maxHeaderCharacters).toWellFormed(),
      sb_reaction: reaction,
      sb_event: change.event,
    },
  }
}

/** What a record keeps, as `faultKey` names it; null of what somebody else wrote there. */
export function parkedKey(value: Uint8Array | null): string | null {
  try {
    const { change, reaction } = JSON.parse(Buffer.from(value ?? []).toString()) as Partial<ReactionFault>
    if (typeof reaction !== 'string' || typeof change?.event !== 'string' || typeof change.resource !== 'string') return null
    return faultKey({ reaction, change })
  } catch {
    return null
  }
}
