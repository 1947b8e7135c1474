/** The model's own reading of an intent record, and its own canonical text. */
import { type Codec, UndecodableError } from '@signalbox/codec'

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain }
export type PlainObject = { [key: string]: Plain }

export interface ModelAction {
  readonly resource: string
  readonly action: string
  readonly input: PlainObject
  readonly expectedVersion: number | null
}

export interface ModelIntent {
  readonly intentId: string
  readonly scope: string
  readonly agent: string
  readonly actions: readonly ModelAction[]
  readonly reads: readonly { readonly resource: string; readonly version: number }[]
  readonly correlationId: string
  readonly causationId: string | null
  readonly causationDepth: number | null
  readonly deadline: number | null
  readonly onConflict: string
  readonly reservation: string | null
  readonly priority: number | null
  /** Everything that "the same body" is about, keys sorted. */
  readonly canonical: string
}

/** JSON with its keys sorted and no white space. */
export function sortedText(value: Plain): string {
  if (Array.isArray(value)) return `[${value.map(sortedText).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${sortedText(value[key]!)}`)
  return `{${members.join(',')}}`
}

const fields = new Set([
  'intentId',
  'scope',
  'agent',
  'actions',
  'reads',
  'correlationId',
  'causationId',
  'causationDepth',
  'deadline',
  'priority',
  'confidence',
  'onConflict',
  'reservation',
  'note',
  'signature',
])

/** Null for bytes that are no intent. */
export function readIntentRecord(bytes: Uint8Array | null, codec: Codec, maxBytes: number): ModelIntent | null {
  if (bytes === null || bytes.length === 0 || bytes.length > maxBytes) return null
  return bytes[0] === 0x7b ? readText(bytes) : readAvro(bytes, codec)
}

function readAvro(bytes: Uint8Array, codec: Codec): ModelIntent | null {
  try {
    const record = codec.decodeIntent(bytes)
    const actions = record.actions.map((action) => ({ ...action, input: JSON.parse(action.input) as Plain }))
    return toModel({ ...(record as unknown as PlainObject), actions })
  } catch (error) {
    if (error instanceof UndecodableError) return null
    throw error
  }
}

function readText(bytes: Uint8Array): ModelIntent | null {
  let value: PlainObject
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as PlainObject
  } catch {
    return null
  }
  if (Object.keys(value).some((key) => !fields.has(key))) return null
  if (typeof value.intentId !== 'string' || typeof value.scope !== 'string' || !Array.isArray(value.actions)) return null
  return toModel(value)
}

export function toModel(value: PlainObject): ModelIntent {
  const actions = (value.actions as PlainObject[]).map((action) => ({
    resource: action.resource as string,
    action: action.action as string,
    input: (action.input ?? {}) as PlainObject,
    expectedVersion: (action.expectedVersion ?? null) as number | null,
  }))
  const reads = (value.reads ?? []) as { resource: string; version: number }[]
  const correlationId = (value.correlationId ?? value.intentId) as string
  const onConflict = (value.onConflict ?? 'reject') as string
  const body: PlainObject = { ...value, reads, correlationId, onConflict, actions: actions.map(withoutNull) }
  delete body.signature
  return {
    intentId: value.intentId as string,
    scope: value.scope as string,
    agent: value.agent as string,
    actions,
    reads,
    correlationId,
    causationId: (value.causationId ?? null) as string | null,
    causationDepth: (value.causationDepth ?? null) as number | null,
    deadline: (value.deadline ?? null) as number | null,
    onConflict,
    reservation: (value.reservation ?? null) as string | null,
    priority: (value.priority ?? null) as number | null,
    canonical: sortedText(withoutNull(body)),
  }
}

/** A canonical intent without what a gateway may have filled in, which is no part of its body. */
export function bodyOf(canonical: string): string {
  return canonical.replace(/(?<=\],"agent":"[^"]*"),"causationDepth":\d+/, '')
}

function withoutNull(object: PlainObject): PlainObject {
  return Object.fromEntries(Object.entries(object).filter(([, member]) => member !== null && member !== undefined))
}
