/**
 * `Idempotency-Key`: an intent that is sent with a key and no id gets an id that is derived from the key, so that a repetition finds the
 * first decision, through whatever gateway it comes.
 *
 * An id carries a time, and the log takes an id only from `clockSkewMs` before that time to `identityHorizonMs` after it. So time is
 * cut into windows of just that length, and each window has one id for a key, which the log takes in no other. Whichever gateway asks,
 * and whatever its clock says, the log takes one id of a key at a time. Who comes in the next window is told of the window before.
 */
import { sha256 } from '@signalbox/codec'
import {
  type Decision,
  derivedId,
  type Intent,
  type IntentJson,
  intentFromJson,
  isRemembered,
  type Limits,
  makeUuidV7,
  partitionOf,
} from '@signalbox/contract'
import { canonicalIntent } from '@signalbox/core'
import { RequestRefused } from '@signalbox/http'
import type { Desk } from './desk.ts'

const header = 'idempotency-key'
const maxCharacters = 255
/** The log's time moves on with what it is asked, so the second id fits; the third is for a window that ends just then. */
const attempts = 3

export type IntentOverHttp = Omit<IntentJson, 'intentId'> & { readonly intentId?: string | undefined }

export interface Keyed {
  readonly intentId: string
  /** Null when none came in time. */
  readonly decision: Decision | null
}

export interface SubmitKeyedOptions {
  readonly waitMs: number
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** The key of a request: a string of structured fields (RFC 9651), or bare text. Null where it has none. Throws RequestRefused. */
export function readIdempotencyKey(rawHeaders: readonly string[]): string | null {
  const values = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === header)
  if (values.length === 0) return null
  if (values.length > 1) throw refused('is given more than once; give it once')
  const text = values[0]!.trim()
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)
  const key = quoted === null ? text : quoted[1]!.replaceAll(/\\(["\\])/g, '$1')
  if (quoted === null && /^"|"$/.test(text))
    throw refused('begins or ends with a quote and is no quoted string; quote it whole, or not at all')
  if (!/^[\x20-\x7e]+$/.test(key)) throw refused('must be of printable ASCII characters, and at least one of them')
  if (key.length > maxCharacters) throw refused(`has ${key.length} characters, more than the ${maxCharacters} of the limit`)
  return key
}

function refused(problem: string): RequestRefused {
  return new RequestRefused('REQUEST_MALFORMED', `the header Idempotency-Key ${problem}`, { path: header })
}

/** Submits an intent under the id that it has, that its key gives it, or a new one. Throws RequestRefused; errors as of the desk. */
export async function submitOverHttp(desk: Desk, body: IntentOverHttp, key: string | null, options: SubmitKeyedOptions): Promise<Keyed> {
  // An id is a key as good as any: who sends both the same has said it twice.
  if (body.intentId !== undefined && key !== null && key !== body.intentId)
    throw refused('and intentId of the body are both given, and differ; give one of them')
  if (body.intentId !== undefined || key === null) {
    const intent = withAnyId(desk, body)
    return { intentId: intent.intentId, decision: await desk.submit(intent, options) }
  }
  return await submitUnderKey(desk, body, key, options)
}

/** With a new id where the body has none. */
export function withAnyId(desk: Desk, body: IntentOverHttp): Intent {
  return withId(body, body.intentId ?? makeUuidV7(desk.nowMs(), crypto.getRandomValues(new Uint8Array(10))))
}

function withId(body: IntentOverHttp, intentId: string): Intent {
  return intentFromJson({ ...body, intentId })
}

async function submitUnderKey(desk: Desk, body: IntentOverHttp, key: string, options: SubmitKeyedOptions): Promise<Keyed> {
  const { limits } = desk.source
  const partition = partitionOf(body.scope, desk.source.log.partitionCount)
  const idOf = (window: number) => derivedId(idTimeOf(window, limits), [header, key, body.scope, body.agent], sha256)
  for (let attempt = 1; ; attempt++) {
    const window = await windowNow(desk, partition)
    const before = await settledBefore(desk, withId(body, idOf(window - 1)), options)
    if (before !== null) return before
    const intent = withId(body, idOf(window))
    const decision = await desk.submit(intent, options)
    const isOutside = decision?.code === 'INTENT_EXPIRED' || decision?.code === 'INTENT_FROM_THE_FUTURE'
    if (!isOutside || attempt === attempts) return { intentId: intent.intentId, decision }
  }
}

function lengthOf({ clockSkewMs, identityHorizonMs }: Limits): number {
  return identityHorizonMs + clockSkewMs + 1
}

/** The log takes an id with this time from the first millisecond of the window to its last. */
export function idTimeOf(window: number, limits: Limits): number {
  return Math.max(0, window) * lengthOf(limits) + limits.clockSkewMs
}

/**
 * The window of the log's time, as far as this gateway has read: what was decided in the one before is all known then. The log's time
 * stands still while nothing is asked; the window of the clock is taken where nothing can be on its way any more into an earlier one.
 */
async function windowNow(desk: Desk, partition: number): Promise<number> {
  const { readModel, source } = desk
  const { limits, log } = source
  const { nextOffset, time } = readModel.state(partition)
  const logWindow = Math.floor(time / lengthOf(limits))
  const clockWindow = Math.floor((desk.nowMs() - limits.clockSkewMs) / lengthOf(limits))
  if (clockWindow <= logWindow) return logWindow
  return (await log.offsets('intents', partition)).end <= nextOffset ? clockWindow : logWindow
}

/** What became of the same key in the window before; null where it was not used there. */
async function settledBefore(desk: Desk, intent: Intent, { signal, waitMs }: SubmitKeyedOptions): Promise<Keyed | null> {
  const { intentId } = intent
  const known = await desk.submitted(intentId)
  if (known === null || !isUsedUp(known.decision)) return null
  if (known.intent !== null && canonicalIntent(known.intent) !== canonicalIntent(desk.personal.protect(intent)))
    throw new RequestRefused(
      'IDEMPOTENCY_KEY_REUSED',
      `the Idempotency-Key was used before with another body (intent ${intentId}); make a new key for a new intent`,
      { path: header },
    )
  const decision =
    known.decision.pending === null ? known.decision : ((await desk.decision(intentId, { waitMs, signal })) ?? known.decision)
  return { intentId, decision: { ...decision, duplicate: true } }
}

function isUsedUp({ code, committed, pending, shadow }: Decision): boolean {
  return committed || pending !== null || shadow !== null || (code !== null && isRemembered(code))
}
