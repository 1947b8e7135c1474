import { hash } from 'node:crypto'

/** SHA-256 of a text's UTF-8 bytes, base64url without padding: the digest of intents and contracts. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}
