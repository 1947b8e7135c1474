/** What equal causes have in common: the cause without what differs from record to record. */
import { sha256 } from '@signalbox/codec'

const fingerprintLength = 10

/** Whether a text may be one: 60 bits of a digest, as letters and digits. */
export function isFingerprint(text: string): boolean {
  return text.length === fingerprintLength && /^[0-9A-Za-z]+$/.test(text)
}

/** In this order: what an earlier one has taken out, no later one sees. */
const differing: readonly (readonly [RegExp, string])[] = [
  // What is quoted was in the record.
  [/"(?:[^"\\]|\\.)*"/g, '"…"'],
  [/'[^']*'/g, "'…'"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'ID'],
  // type/id of a resource: the type is the contract's, the id the record's.
  [/\b([a-z][a-z0-9-]*)\/[^\s,;:)]+/g, '$1/…'],
  [/\b[0-9a-f]{16,}\b/g, 'HEX'],
  // Not the version of a contract: refund@3.
  [/(?<![@A-Za-z_\d.])-?\d+(?:[.,]\d+)*/g, 'N'],
]

/** What every message of a dead letter ends with. */
const known = / (?:The intent|It) is kept whole as a dead letter(?:; mend the contract and redrive it)?$/

/** The cause as people read it of a whole group. */
export function normalisedCause(message: string): string {
  return differing.reduce((text, [pattern, by]) => text.replace(pattern, by), message.replace(known, '')).trim()
}

/** Contract and action are named by the message where contract code threw; where they are known besides, they are part of it. */
export function fingerprintOf(code: string, message: string, subject: string | null): string {
  return sha256(JSON.stringify([code, normalisedCause(message), subject]))
    .replaceAll(/[-_]/g, 'x')
    .slice(0, fingerprintLength)
}
