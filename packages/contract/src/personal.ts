/**
 * Personal data in contracts. A field marked `personal()` holds a text that was encrypted under a key of the person whom it is about,
 * before it got into the log. Contract code, digests and replays see that text alone; destroying the key erases what it says everywhere.
 */
import { z } from 'zod'
import type { JsonObject } from './canonical.ts'

/** `personal:v1:KEY:SEALED`: the id of the key, and nonce, ciphertext and tag, both in base64url. */
const tokenSource = 'personal:v1:([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{38,})'

/** Whether a text is an encrypted one, as far as its form goes. */
export function isPersonalToken(text: string): boolean {
  return whole.test(text)
}
const whole = new RegExp(`^${tokenSource}$`)

/** Every encrypted text within another one. */
export function personalTokens(): RegExp {
  return new RegExp(tokenSource, 'g')
}

/**
 * The schema of a field with personal data. What reaches a contract is encrypted; two fields of one person are equal where, and only
 * where, what they say is equal. A contract with such a field names `dataSubject`.
 */
export function personal(): z.ZodString {
  return z
    .string()
    .regex(whole, 'is personal data in the clear: send it through a gateway or client that holds the key store')
    .meta({ personal: true })
}

/** What is known of an action before it is in the log: enough to say whose data it holds. */
export interface SubjectContext {
  readonly scope: string
  /** The resource acted on, as `type/id`, and its id alone. */
  readonly resource: string
  readonly id: string
  /** As it was sent, not checked yet. */
  readonly input: JsonObject
}

/** Names whom the personal data of an action is about: an id that stays, never a name or an address. */
export type DataSubject = (context: SubjectContext) => string
