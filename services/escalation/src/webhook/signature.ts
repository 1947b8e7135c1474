/** Signatures of Standard Webhooks (https://www.standardwebhooks.com), symmetric, version 1. */
import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { WebhookError } from './errors.ts'

const prefix = 'whsec_'
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const keyBytes = { least: 24, most: 64 }

/** A key that signs. However it is printed, logged or made JSON of, the key is not in it. */
export class Secret {
  readonly #key: Buffer

  /**
   * `text` is `whsec_` and 24 to 64 bytes in base64. `what` names the secret in the error: `secret 1 of target "pager"`.
   *
   * @throws WebhookError MISCONFIGURED, without the secret
   */
  constructor(text: string, what: string) {
    const encoded = text.startsWith(prefix) ? text.slice(prefix.length) : ''
    this.#key = Buffer.from(encoded, 'base64')
    const isKey = base64.test(encoded) && this.#key.length >= keyBytes.least && this.#key.length <= keyBytes.most
    if (!isKey)
      throw new WebhookError(
        'MISCONFIGURED',
        `${what} is not ${prefix} followed by ${keyBytes.least} to ${keyBytes.most} bytes in base64; make one with: echo ${prefix}$(openssl rand -base64 32)`,
      )
  }

  sign(content: Buffer): string {
    return `v1,${createHmac('sha256', this.#key).update(content).digest('base64')}`
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

export interface SignedHeaders {
  readonly 'webhook-id': string
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

/** The headers that sign `body` at `nowMs`, once for each secret: while one is replaced, receivers may have either. */
export function signedHeaders(id: string, nowMs: number, body: Buffer, secrets: readonly Secret[]): SignedHeaders {
  const timestamp = `${Math.floor(nowMs / 1_000)}`
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body])
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => secret.sign(content)).join(' '),
  }
}
