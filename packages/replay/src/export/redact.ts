/**
 * Takes the values of named fields out of events, wherever they lie in an intent, in data or in details. The same text becomes the same
 * word within one export, by a key that is thrown away: who reads it sees that two are the same, and can guess neither.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { sha256 } from '@signalbox/codec'
import { canonicalize, type Event, type JsonObject, type JsonValue } from '@signalbox/contract'

export class Redactor {
  readonly #fields: ReadonlySet<string>
  readonly #key = randomBytes(32)
  // The digest of a body whose fields were taken out, by the one that it had: a duplicate names it.
  readonly #digests = new Map<string, string>()

  constructor(fields: readonly string[]) {
    this.#fields = new Set(fields)
  }

  event(event: Event): Event {
    if (
      this.#fields.size === 0 ||
      event.type === 'PartitionOpened' ||
      event.type === 'PartitionCarried' ||
      event.type === 'WaitersExamined'
    )
      return event
    const payload: Record<string, unknown> = { ...event.payload }
    if (typeof payload.intent === 'string') {
      payload.intent = this.#text(payload.intent)
      if (typeof payload.digest === 'string') {
        const digest = sha256(payload.intent as string)
        this.#digests.set(payload.digest, digest)
        payload.digest = digest
      }
    } else if (event.type === 'IntentDuplicated') payload.digest = this.#digests.get(event.payload.digest) ?? event.payload.digest
    if (typeof payload.details === 'string') payload.details = this.#text(payload.details)
    if (this.#fields.has('message') && typeof payload.message === 'string') payload.message = this.#word(payload.message)
    if ('changes' in event.payload) payload.changes = event.payload.changes.map((change) => ({ ...change, data: this.#text(change.data) }))
    return { ...event, payload } as unknown as Event
  }

  #text(text: string): string {
    return canonicalize(this.value(JSON.parse(text) as JsonObject))
  }

  /** A JSON value without the values of the fields. */
  value(value: JsonValue): JsonValue {
    if (Array.isArray(value)) return value.map((each) => this.value(each as JsonValue))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        name,
        this.#fields.has(name) ? this.#taken(each as JsonValue) : this.value(each as JsonValue),
      ]),
    )
  }

  /** Of the same kind, so that schemas still take it. */
  #taken(value: JsonValue): JsonValue {
    switch (typeof value) {
      case 'string':
        return this.#word(value)
      case 'number':
        return 0
      case 'boolean':
        return false
      default:
        return value === null ? null : Array.isArray(value) ? [] : {}
    }
  }

  #word(text: string): string {
    return `redacted-${createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, 12)}`
  }
}
