/** Bytes to records and back: intents as Avro or as plain JSON, events as Avro. */
import {
  type ActionRequest,
  type Event,
  type Intent,
  type IntentCommitted,
  JsonError,
  type Limits,
  readIntentJson,
  readJson,
} from '@signalbox/contract'
import { type Framing, singleObjectFraming, UndecodableError } from './framing.ts'
import { Interner } from './interner.ts'
import { eventType, intentType, type RecordType } from './types.ts'

export interface Codec {
  readonly framing: Framing
  encodeIntent(intent: Intent): Uint8Array
  /**
   * The intent in a record's bytes; inputs come out in RFC 8785 form. Throws UndecodableError for bytes that never will
   * be an intent, UnknownSchemaError where the schema must be learnt first.
   */
  decodeIntent(bytes: Uint8Array | null): Intent
  encodeEvent(event: Event): Uint8Array
  /** Throws UndecodableError, UnknownSchemaError. */
  decodeEvent(bytes: Uint8Array): Event
}

const openBrace = 0x7b
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const payloadPrefix = 'signalbox.v1.'

export function createCodec(options: { readonly limits: Pick<Limits, 'intentBytes'>; readonly framing?: Framing }): Codec {
  const framing = options.framing ?? singleObjectFraming()
  const { intentBytes } = options.limits
  const names = new Interner()
  return {
    framing,
    encodeIntent: (intent) => encode(intentType, framing, intent),
    decodeIntent(bytes) {
      if (bytes === null || bytes.length === 0) throw new UndecodableError('the record is empty; send an intent as its value')
      if (bytes.length > intentBytes) {
        throw new UndecodableError(
          `the record has ${bytes.length} bytes, more than the ${intentBytes} of the limit; send large content by reference and digest`,
        )
      }
      return shareNames(names, bytes[0] === openBrace ? decodeJson(bytes) : strict(framing.read('Intent', bytes) as Intent))
    },
    encodeEvent(event) {
      return encode(eventType, framing, { ...event, payload: { [payloadPrefix + event.type]: event.payload } })
    },
    decodeEvent(bytes) {
      const event = framing.read('Event', bytes) as Event & { payload: Record<string, unknown> }
      const { partition, offset, index, time, scope, type } = event
      const payload = event.payload[payloadPrefix + type]
      if (payload === undefined)
        throw new UndecodableError(`the event says it is ${type} and carries ${Object.keys(event.payload).join(', ')}`)
      shareEventNames(names, type, payload)
      return { partition, offset, index, time, scope: names.intern(scope), type, payload } as Event
    },
  }
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

/** Of a record that was just decoded and is known to nobody else. */
function shareNames(names: Interner, decoded: Intent): Intent {
  const intent = decoded as Mutable<Intent>
  intent.scope = names.intern(intent.scope)
  intent.agent = names.intern(intent.agent)
  if (intent.correlationId === intent.intentId) intent.correlationId = intent.intentId
  for (const action of intent.actions as readonly Mutable<ActionRequest>[]) {
    action.resource = names.intern(action.resource)
    action.action = names.intern(action.action)
  }
  return intent
}

function shareEventNames(names: Interner, type: Event['type'], payload: unknown): void {
  if (type !== 'IntentCommitted') return
  const committed = payload as Mutable<IntentCommitted>
  committed.agent = names.intern(committed.agent)
  for (const change of committed.changes as readonly Mutable<IntentCommitted['changes'][number]>[]) {
    change.resource = names.intern(change.resource)
    change.action = names.intern(change.action)
    change.state = names.intern(change.state)
    if (change.fromState !== null) change.fromState = names.intern(change.fromState)
  }
}

// Grows to the largest record written; a body is copied out of it, with its prefix, in one go.
let scratch = Buffer.alloc(16 * 1024)

function encode(type: RecordType, framing: Framing, value: unknown): Uint8Array {
  const prefix = framing.prefix(type.name)
  let end = type.avro.encode(value, scratch, prefix.length)
  if (end < 0) {
    // avsc answers with minus the bytes that were missing.
    scratch = Buffer.alloc(2 * (scratch.length - end))
    end = type.avro.encode(value, scratch, prefix.length)
  }
  scratch.set(prefix, 0)
  return Uint8Array.prototype.slice.call(scratch, 0, end)
}

function decodeJson(bytes: Uint8Array): Intent {
  let text: string
  try {
    text = textDecoder.decode(bytes)
  } catch (cause) {
    throw new UndecodableError('the JSON intent is not UTF-8; encode it as UTF-8', { cause })
  }
  try {
    return readIntentJson(text)
  } catch (cause) {
    if (cause instanceof JsonError) throw new UndecodableError(cause.message, { cause })
    throw cause
  }
}

/** The inputs of an Avro intent are JSON texts: they are read as strictly as a JSON intent. */
function strict(intent: Intent): Intent {
  try {
    let changed = false
    const actions = intent.actions.map((action, index) => {
      const { value, canonical } = readJson(action.input, `actions[${index}].input`)
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new JsonError(`actions[${index}].input`, 'is no JSON object')
      if (canonical === action.input) return action
      changed = true
      return { ...action, input: canonical }
    })
    return changed ? { ...intent, actions } : intent
  } catch (cause) {
    if (cause instanceof JsonError) throw new UndecodableError(cause.message, { cause })
    throw cause
  }
}
