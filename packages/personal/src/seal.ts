/**
 * Texts to tokens and back: AES-256-GCM, its nonce derived from the text by a key of its own. The same text under the same key is the same
 * token, so that equality holds and an intent that is sent again has the same digest; the nonce is checked when it is opened.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { SubjectKey } from './key-store.ts'

const nonceBytes = 12
const tagBytes = 16

export function seal({ id, secret }: SubjectKey, text: string): string {
  const plain = Buffer.from(text, 'utf8')
  const nonce = nonceOf(secret, plain)
  const cipher = createCipheriv('aes-256-gcm', derived(secret, 'encrypt'), nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(id))
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return `personal:v1:${id}:${sealed.toString('base64url')}`
}

/** Null where it was not sealed with this key, or was changed. */
export function open({ id, secret }: SubjectKey, sealed: string): string | null {
  const bytes = Buffer.from(sealed, 'base64url')
  const nonce = bytes.subarray(0, nonceBytes)
  try {
    const decipher = createDecipheriv('aes-256-gcm', derived(secret, 'encrypt'), nonce, { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(id))
    decipher.setAuthTag(bytes.subarray(bytes.byteLength - tagBytes))
    const plain = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, bytes.byteLength - tagBytes)), decipher.final()])
    return timingSafeEqual(nonceOf(secret, plain), nonce) ? plain.toString('utf8') : null
  } catch {
    return null
  }
}

function nonceOf(secret: Uint8Array, plain: Uint8Array): Buffer {
  return createHmac('sha256', derived(secret, 'nonce')).update(plain).digest().subarray(0, nonceBytes)
}

function derived(secret: Uint8Array, purpose: 'encrypt' | 'nonce'): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `signalbox personal v1 ${purpose}`, 32))
}
