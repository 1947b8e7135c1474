/**
 * Drives transfers: asks each leg in its scope, in the name of who began the transfer, and reports there how it went.
 * Every leg's intent says what it is a leg of, so that nothing need be remembered: whoever reads its decision knows.
 */
import {
  type Event,
  formatEventReference,
  type Intent,
  isMarked,
  type JsonObject,
  type ResourceChange,
  type TransferData,
  type TransferLeg,
} from '@signalbox/contract'
import { derivedId } from './derived-id.ts'
import { type Changing, type OwnFollowUp, processManagerAgent } from './own-follow-up.ts'

type Step = 'reserve' | 'confirm' | 'release'

/** What the note of a leg's intent says, after its first word. */
interface LegNote {
  readonly scope: string
  readonly transfer: string
  readonly leg: number
  readonly step: Step
  /** The event that asked for it, and its time: with them, the id can be told from a forged one. */
  readonly event: string
  readonly timeMs: number
  /** Where its id came too late, and it is asked once more: the reject that said so, and its time. */
  readonly again?: { readonly event: string; readonly timeMs: number }
}

const mark = 'transfer '

/** Whether the text of an intent is that of a leg. Cheap: it is asked of every decision. */
export function isLeg(intent: string | null): boolean {
  return intent?.includes(`"note":"${mark}`) ?? false
}

export function transferFollowUps(event: Changing): OwnFollowUp[] {
  return event.payload.changes.flatMap((change) => {
    if (!change.resource.startsWith('transfer/')) return []
    const data = JSON.parse(change.data) as TransferData
    const { action, fromState, state } = change
    if (action === 'begin') return data.legs.map((_, leg) => legFollowUp(event, change, data, leg, 'reserve'))
    if (state === 'confirming' && fromState === 'preparing')
      return data.legs.map((_, leg) => legFollowUp(event, change, data, leg, 'confirm'))
    if (state !== 'releasing') return []
    const prepared = data.legs.flatMap(({ status }, leg) => (status === 'prepared' ? [leg] : []))
    // One that became prepared while others are being released.
    const legs =
      fromState === 'releasing' ? prepared.filter((leg) => action === 'prepared' && leg === reportedLeg(event, change)) : prepared
    return legs.map((leg) => legFollowUp(event, change, data, leg, 'release'))
  })
}

function reportedLeg(event: Changing, { resource }: ResourceChange): number | null {
  if (event.type !== 'IntentCommitted') return null
  const { actions } = JSON.parse(event.payload.intent) as {
    readonly actions: readonly { readonly resource: string; readonly input: JsonObject }[]
  }
  return (actions.find((each) => each.resource === resource)?.input.leg as number | undefined) ?? null
}

function legFollowUp(event: Changing, { resource }: ResourceChange, data: TransferData, leg: number, step: Step): OwnFollowUp {
  const { scope, ...steps } = data.legs[leg]!
  const actions = steps[step] as TransferLeg['reserve']
  // A step that has nothing to do is done.
  if (actions.length === 0) {
    return {
      scope: event.scope,
      actions: [{ resource, action: outcomes[step].committed, input: { leg } }],
      cause: ['transfer', step, `${leg}`],
    }
  }
  const note: LegNote = { scope: event.scope, transfer: resource, leg, step, event: formatEventReference(event), timeMs: event.time }
  return {
    scope,
    agent: data.agent,
    actions: actions.map((action) => ({ ...action, input: action.input as JsonObject })),
    note: `${mark}${JSON.stringify(note)}`,
    cause: causeOf(note),
  }
}

function causeOf({ leg, step, transfer }: LegNote): readonly string[] {
  return ['transfer', transfer, step, `${leg}`]
}

function idOf(note: LegNote): string {
  const { again, event, timeMs } = note
  const first = [...causeOf(note), event]
  return again === undefined ? derivedId(timeMs, first) : derivedId(again.timeMs, [...first, 'again', again.event])
}

/** A leg's intent, to be asked once more; null where it is none. */
export function legAgain(intent: Intent, again: NonNullable<LegNote['again']>): Intent | null {
  const before = intent.note === null || !intent.note.startsWith(mark) ? null : readNote(intent.note)
  if (before === null) return null
  const note = { ...before, again }
  return { ...intent, intentId: idOf(note), note: `${mark}${JSON.stringify(note)}` }
}

const outcomes: { readonly [Each in Step]: { readonly committed: string; readonly rejected: string } } = {
  reserve: { committed: 'prepared', rejected: 'refused' },
  confirm: { committed: 'confirmed', rejected: 'stuck' },
  release: { committed: 'released', rejected: 'stuck' },
}

/** What the decision on a leg means for its transfer; null for any other event. */
export function transferReport(event: Event): OwnFollowUp | null {
  if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') return null
  if (event.type === 'IntentRejected' && isMarked(event.payload.code, 'undecided')) return null
  const { intent, intentId } = event.payload
  if (!isLeg(intent)) return null
  const note = noteOf(intent!)
  // Nobody but the process manager makes this id.
  if (note === null || intentId !== idOf(note)) return null
  const { leg, scope, step, transfer } = note
  const outcome = outcomes[step]
  const why = event.type === 'IntentRejected' ? `${event.payload.code}: ${event.payload.message}`.slice(0, 2_000) : null
  return {
    scope,
    agent: processManagerAgent,
    actions: [
      { resource: transfer, action: why === null ? outcome.committed : outcome.rejected, input: { leg, ...(why === null ? {} : { why }) } },
    ],
    cause: ['transfer', 'report', transfer, step, `${leg}`],
  }
}

function noteOf(intent: string): LegNote | null {
  const { note } = JSON.parse(intent) as { readonly note?: string }
  return note?.startsWith(mark) === true ? readNote(note) : null
}

function readNote(note: string): LegNote | null {
  try {
    const said = JSON.parse(note.slice(mark.length)) as Partial<LegNote>
    const { again, event, leg, scope, step, timeMs, transfer } = said
    if (typeof event !== 'string' || typeof scope !== 'string' || typeof transfer !== 'string') return null
    if (
      !Number.isSafeInteger(leg) ||
      !Number.isSafeInteger(timeMs) ||
      (timeMs as number) < 0 ||
      step === undefined ||
      !Object.hasOwn(outcomes, step)
    )
      return null
    const isAgain = typeof again?.event === 'string' && Number.isSafeInteger(again.timeMs) && again.timeMs >= 0
    if (again !== undefined && !isAgain) return null
    return { event, leg: leg as number, scope, step, timeMs: timeMs as number, transfer, ...(again === undefined ? {} : { again }) }
  } catch {
    // Somebody's own note that only begins like ours.
    return null
  }
}
