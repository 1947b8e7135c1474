/** One attempt to deliver: resolve, check, sign, post, and say what the outcome means. */
import { lookup } from 'node:dns/promises'
import type { Clock } from '@signalbox/log'
import { addressRefusal, type CheckedAddress, canonicalAddress, refusalAdvice } from './address-guard.ts'
import { retryAfterMs } from './backoff.ts'
import { inTime, TimeIsUp } from './bounded.ts'
import { AddressRefused, type Answer, type Post, post } from './post.ts'
import { signedHeaders } from './signature.ts'
import type { WebhookTarget } from './target.ts'

/** Why an attempt failed. */
export type AttemptFailureCode =
  /** The host has an address that webhooks may not go to. Final. */
  | 'ADDRESS_REFUSED'
  /** The host has no address, or nobody could say. */
  | 'UNRESOLVED'
  /** No connection, no valid certificate, or the connection ended without an answer. */
  | 'CONNECTION_FAILED'
  | 'TIMED_OUT'
  /** 408, 425, 429 and 5xx. */
  | 'UNAVAILABLE'
  /** 3xx: no redirect is followed. Final. */
  | 'REDIRECTED'
  /** Any other status that is no success. Final. */
  | 'REFUSED'
  /** 410: the receiver wants no more. Final for this and all that follows. */
  | 'GONE'

export type FinalFailureCode = Extract<AttemptFailureCode, 'ADDRESS_REFUSED' | 'REDIRECTED' | 'REFUSED' | 'GONE'>

export type AttemptResult =
  | { readonly kind: 'delivered'; readonly status: number }
  /** Cut off from outside: it may have arrived. */
  | { readonly kind: 'aborted' }
  | {
      readonly kind: 'retry'
      readonly code: Exclude<AttemptFailureCode, FinalFailureCode>
      readonly status: number | null
      readonly message: string
      /** What the receiver asked for. */
      readonly retryAfterMs: number | null
    }
  | { readonly kind: 'final'; readonly code: FinalFailureCode; readonly status: number | null; readonly message: string }

/** The addresses of a host. Asked once an attempt; the answers are what is checked and connected to. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

export const systemResolve: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: 'verbatim' })
  return found.map(({ address }) => address)
}

export interface AttemptEnvironment {
  readonly clock: Clock
  readonly resolve: Resolve
  /** Default: over HTTP. */
  readonly post?: Post
}

/** Never rejects. Takes at most the target's `timeoutMs` by the clock; `signal` cuts it off at once. */
export async function attempt(
  target: WebhookTarget,
  id: string,
  body: Buffer,
  signal: AbortSignal,
  { clock, post: send = post, resolve }: AttemptEnvironment,
): Promise<AttemptResult> {
  let answer: Answer | undefined
  try {
    await inTime(clock, target.timeoutMs, signal, async (ending) => {
      const addresses = await addressesOf(target, resolve)
      // Who was cut off while resolving must not go on to post.
      ending.throwIfAborted()
      answer = await send(target, addresses, headersOf(target, id, body, clock), body, ending)
      await answer.drained
    })
  } catch (error) {
    // The head of an answer counts, however long its body takes.
    if (answer === undefined) return signal.aborted ? { kind: 'aborted' } : failureOf(error, target)
  }
  return answer === undefined ? { kind: 'aborted' } : meaningOf(answer, target, clock.nowMs())
}

function headersOf({ secrets }: WebhookTarget, id: string, body: Buffer, clock: Clock): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'user-agent': 'signalbox-escalation',
    ...signedHeaders(id, clock.nowMs(), body, secrets),
  }
}

class Unresolved extends Error {
  override readonly name = 'Unresolved'
}

async function addressesOf({ allowPrivate, url }: WebhookTarget, resolve: Resolve): Promise<readonly CheckedAddress[]> {
  const literal = canonicalAddress(url.hostname)
  const found = literal === null ? await resolvedBy(resolve, url.hostname) : [literal.address]
  if (found.length === 0) throw new Unresolved('it has no address')
  return found.map((text) => {
    const address = canonicalAddress(text)
    const refusal = addressRefusal(text, allowPrivate)
    if (address === null || refusal !== null)
      throw new AddressRefused(`it has the address ${text}, which ${refusal}; ${refusalAdvice(text)}`)
    return address
  })
}

async function resolvedBy(resolve: Resolve, hostname: string): Promise<readonly string[]> {
  try {
    return await resolve(hostname)
  } catch (error) {
    throw new Unresolved(textOf(error), { cause: error })
  }
}

function meaningOf({ status, retryAfter }: Answer, { name }: WebhookTarget, nowMs: number): AttemptResult {
  if (status >= 200 && status < 300) return { kind: 'delivered', status }
  const answered = `webhook target "${name}" answered ${status}`
  if (status === 410) return { kind: 'final', code: 'GONE', status, message: `${answered}: it wants no more notifications` }
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return { kind: 'retry', code: 'UNAVAILABLE', status, message: answered, retryAfterMs: retryAfterMs(retryAfter, nowMs) }
  if (status >= 300 && status < 400)
    return {
      kind: 'final',
      code: 'REDIRECTED',
      status,
      message: `${answered}, and redirects are not followed: set the url that it redirects to`,
    }
  return { kind: 'final', code: 'REFUSED', status, message: `${answered}: it refuses the request itself; its own log says why` }
}

function failureOf(error: unknown, { name, timeoutMs, url }: WebhookTarget): AttemptResult {
  if (error instanceof AddressRefused)
    return {
      kind: 'final',
      code: 'ADDRESS_REFUSED',
      status: null,
      message: `webhook target "${name}": ${url.hostname} is refused: ${error.message}`,
    }
  const failed = { kind: 'retry', status: null, retryAfterMs: null } as const
  if (error instanceof TimeIsUp)
    return { ...failed, code: 'TIMED_OUT', message: `webhook target "${name}" did not answer within ${timeoutMs} ms` }
  if (error instanceof Unresolved)
    return { ...failed, code: 'UNRESOLVED', message: `webhook target "${name}": ${url.hostname} cannot be resolved: ${error.message}` }
  return { ...failed, code: 'CONNECTION_FAILED', message: `webhook target "${name}" at ${url.host} cannot be reached: ${textOf(error)}` }
}

/** An error of several addresses has no message of its own, only theirs. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(textOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
