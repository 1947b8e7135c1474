/** The intent that a dead letter is redriven as. Nothing is decided here: it is an intent like any other. */
import { type ContractSet, type Intent, type Limits, resourceType, upcastActions } from '@signalbox/contract'
import type { DeadLetter } from './letter.ts'
import { redriveNote } from './lineage.ts'

export interface Redrive {
  readonly intentId: string
  readonly by: string
  readonly reason: string
  /** Without what its agent had seen: see `withoutWhatWasSeen`. */
  readonly fresh: boolean
}

/** A letter that cannot be made an intent; the message says why and what to do. */
export class NoIntentError extends Error {
  override readonly name = 'NoIntentError'
}

/**
 * `original`: as it was sent, or as a human wrote it anew. The same letter, contracts and redrive give the same intent.
 * Throws NoIntentError where an upcast of the contract cannot take it.
 */
export function rebuildIntent(
  { contracts: recorded, id, intentId: before }: DeadLetter,
  original: Intent,
  redrive: Redrive,
  { contracts, edited, limits }: { readonly contracts: ContractSet; readonly edited: boolean; readonly limits: Pick<Limits, 'noteLength'> },
): Intent {
  let { actions } = original
  try {
    // What a human writes now is written for the contracts of now.
    if (!edited && recorded !== null) actions = upcastActions(contracts, recorded, original.actions)
  } catch (cause) {
    throw new NoIntentError(
      `the upcast of a contract cannot take the intent of ${id}: ${(cause as Error).message}. Mend the upcast, or write the intent anew (--edit FILE)`,
      { cause },
    )
  }
  const causationId = before ?? (edited ? original.causationId : original.intentId)
  const intent: Intent = {
    ...original,
    intentId: redrive.intentId,
    actions,
    // The piece of work stays the same; what began one began it under its own id.
    correlationId: edited && before !== null && original.correlationId === original.intentId ? before : original.correlationId,
    causationId,
    note: redriveNote(id, redrive.by, redrive.reason, original.note, limits.noteLength),
    // It stands for other bytes.
    signature: null,
    // How far another cause is, the gateway finds.
    causationDepth: causationId === original.causationId ? original.causationDepth : null,
  }
  return redrive.fresh ? withoutWhatWasSeen(intent, contracts) : intent
}

/**
 * Asked as if its agent had looked at nothing: without read set, deadline and lease, and without the versions that commutative
 * actions expect. Where a contract decides by version, the expectation stays: nothing may be overwritten unseen.
 */
function withoutWhatWasSeen(intent: Intent, contracts: ContractSet): Intent {
  const actions = intent.actions.map((asked) => {
    const type = resourceType(asked.resource)
    const conflict = type === null ? undefined : contracts.get(type)?.actions[asked.action]?.conflict
    return conflict === 'commutative' ? { ...asked, expectedVersion: null } : asked
  })
  return { ...intent, actions, reads: [], deadline: null, reservation: null }
}
