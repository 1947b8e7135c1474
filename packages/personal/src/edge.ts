/** What stands between agents and the log: encrypts the fields that contracts mark, and shows what they say to who holds the keys. */
import { randomBytes } from 'node:crypto'
import {
  type Contract,
  type ContractSet,
  canonicalize,
  type Intent,
  isPersonalToken,
  isReservedType,
  JsonError,
  type JsonObject,
  type JsonValue,
  lengths,
  nameProblem,
  personalTokens,
  resourceType,
  type SchemaNode,
  schemaNode,
  thrownText,
} from '@signalbox/contract'
import type { KeyStore, SubjectKey } from './key-store.ts'
import { open, seal } from './seal.ts'

/** Shown in place of what cannot be read any more, or here. */
export const placeholders = { erased: '[erased]', foreign: '[key not here]', damaged: '[unreadable]' } as const

export interface PersonalData {
  /**
   * The intent with every field that a contract marks encrypted; what is encrypted already stays. Throws JsonError for personal data
   * whose subject the contract cannot tell, or where there are no keys. Errors: KeyStoreError.
   */
  protect(intent: Intent): Intent
  /** As `protect`, for an intent that is only tried: makes no key. */
  protectTrial(intent: Intent): Intent
  /** A JSON value with every encrypted text as what it says, or a placeholder. Errors: KeyStoreError. */
  reveal<Value>(value: Value): Value
  /** The same within a text. */
  revealText(text: string): string
}

/** `keys` is null where there is no key store: then personal data is refused, and shown as it lies in the log. */
export function personalData(keys: KeyStore | null, contracts: ContractSet): PersonalData {
  const encrypter = new Encrypter(keys, contracts)
  return {
    protect: (intent) => encrypter.intent(intent, (subject) => keys!.keyOf(subject)),
    protectTrial: (intent) => encrypter.intent(intent, (subject) => keys!.existingKeyOf(subject) ?? keyOfNobody()),
    reveal: (value) => (keys === null ? value : (revealed(new Reader(keys), value as JsonValue) as typeof value)),
    revealText: (text) => (keys === null ? text : new Reader(keys).text(text)),
  }
}

/** What is encrypted with it is never read. */
function keyOfNobody(): SubjectKey {
  return { id: randomBytes(16).toString('base64url'), secret: randomBytes(32) }
}

interface Place {
  readonly scope: string
  readonly path: string
}

interface Asked {
  readonly resource: string
  readonly action: string
  readonly input: JsonObject
}

type KeyOf = (subject: string) => SubjectKey

class Encrypter {
  readonly #keys: KeyStore | null
  readonly #contracts: ContractSet
  readonly #schemas = new Map<string, SchemaNode | null>()

  constructor(keys: KeyStore | null, contracts: ContractSet) {
    this.#keys = keys
    this.#contracts = contracts
  }

  intent(intent: Intent, keyOf: KeyOf): Intent {
    if (!this.#contracts.all.some(({ dataSubject }) => dataSubject !== null)) return intent
    const actions = intent.actions.map((action, index) => {
      const input = JSON.parse(action.input) as JsonObject
      const safe = this.#asked({ ...action, input }, { scope: intent.scope, path: `actions[${index}].input` }, keyOf)
      return safe === input ? action : { ...action, input: canonicalize(safe) }
    })
    return actions.every((action, index) => action === intent.actions[index]) ? intent : { ...intent, actions }
  }

  #asked({ action, input, resource }: Asked, place: Place, keyOf: KeyOf): JsonObject {
    const type = resourceType(resource)
    if (type === null) return input
    // The legs of a transfer and what a human amends are actions within an input.
    if (isReservedType(type)) return this.#nested(input, place, keyOf) as JsonObject
    const contract = this.#contracts.get(type)
    const schema = contract === undefined ? null : this.#schemaOf(contract, action)
    if (contract === undefined || schema === null) return input
    let key: SubjectKey | null = null
    const keyOfSubject = (path: string) => {
      key ??= keyOf(this.#subjectOf(contract, { resource, action, input }, { ...place, path }))
      return key
    }
    return encrypted(schema, input, place.path, keyOfSubject) as JsonObject
  }

  #nested(value: JsonValue, place: Place, keyOf: KeyOf): JsonValue {
    if (Array.isArray(value))
      return sameWhereEqual(
        value,
        value.map((each, index) => this.#nested(each, { ...place, path: `${place.path}[${index}]` }, keyOf)),
      )
    if (!isObject(value)) return value
    const { action, input, resource, scope } = value
    const here = typeof scope === 'string' ? { ...place, scope } : place
    if (typeof resource === 'string' && typeof action === 'string' && isObject(input)) {
      const safe = this.#asked({ resource, action, input }, { ...here, path: `${place.path}.input` }, keyOf)
      return safe === input ? value : { ...value, input: safe }
    }
    return mapped(value, (name, each) => this.#nested(each, { ...here, path: `${place.path}.${name}` }, keyOf))
  }

  #schemaOf(contract: Contract, action: string): SchemaNode | null {
    if (contract.dataSubject === null) return null
    const name = `${contract.type}@${contract.version} ${action}`
    let schema = this.#schemas.get(name)
    if (schema === undefined) {
      const input = contract.actions[action]?.input ?? null
      schema = input === null ? null : schemaNode(input)
      this.#schemas.set(name, schema)
    }
    return schema
  }

  #subjectOf({ dataSubject, type, version }: Contract, { input, resource }: Asked, { path, scope }: Place): string {
    if (this.#keys === null)
      throw new JsonError(
        path,
        'is personal data, and there is no key store here to encrypt it; start with --keys DIRECTORY (docs/personal-data.md)',
      )
    let subject: unknown
    try {
      subject = dataSubject!({ scope, resource, id: resource.slice(type.length + 1), input })
    } catch (cause) {
      throw new JsonError(path, `is personal data, and dataSubject of ${type}@${version} cannot tell whose: ${thrownText(cause)}`, {
        cause,
      })
    }
    if (typeof subject === 'string' && subject !== '') {
      const problem = nameProblem(subject, lengths.subject)
      if (problem === null) return subject
      // Two spellings of one person would have two keys, and erasing one would leave the other.
      throw new JsonError(path, `is personal data, and the subject that dataSubject of ${type}@${version} tells ${problem}`)
    }
    throw new JsonError(path, `is personal data, and dataSubject of ${type}@${version} does not tell whose; see what the input must name`)
  }
}

/** The value itself where nothing in it is to be encrypted. */
function encrypted(schema: SchemaNode, value: JsonValue, path: string, keyOf: (path: string) => SubjectKey): JsonValue {
  if (schema.personal === true && typeof value === 'string') return isPersonalToken(value) ? value : seal(keyOf(path), value)
  let safe = value
  for (const list of ['anyOf', 'oneOf', 'allOf'] as const)
    for (const each of (schema[list] as readonly SchemaNode[] | undefined) ?? []) safe = encrypted(each, safe, path, keyOf)
  if (Array.isArray(safe)) {
    const items = schema.items as SchemaNode | undefined
    const first = (schema.prefixItems as readonly SchemaNode[] | undefined) ?? []
    const of = (index: number) => first[index] ?? items
    return sameWhereEqual(
      safe,
      safe.map((each, index) => (isNode(of(index)) ? encrypted(of(index)!, each, `${path}[${index}]`, keyOf) : each)),
    )
  }
  if (!isObject(safe)) return safe
  const properties = (schema.properties as Readonly<Record<string, SchemaNode>> | undefined) ?? {}
  return mapped(safe, (name, each) => {
    const of = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties
    return isNode(of) ? encrypted(of, each, `${path}.${name}`, keyOf) : each
  })
}

function isNode(schema: unknown): schema is SchemaNode {
  return typeof schema === 'object' && schema !== null
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapped(value: JsonObject, map: (name: string, each: JsonValue) => JsonValue): JsonObject {
  let isChanged = false
  const entries = Object.entries(value).map(([name, each]) => {
    const other = map(name, each as JsonValue)
    isChanged ||= other !== each
    return [name, other] as const
  })
  return isChanged ? Object.fromEntries(entries) : value
}

function sameWhereEqual(before: readonly JsonValue[], after: readonly JsonValue[]): JsonValue {
  return (after.every((each, index) => each === before[index]) ? before : after) as JsonValue
}

/** Asks for each key once: a page of resources has many texts of few people. */
class Reader {
  readonly #keys: KeyStore
  readonly #found = new Map<string, SubjectKey | 'erased' | null>()

  constructor(keys: KeyStore) {
    this.#keys = keys
  }

  /** A text that is one token becomes what it says; within a longer one, which is JSON more often than not, it is escaped. */
  text(text: string): string {
    if (!text.includes('personal:v1:')) return text
    if (isPersonalToken(text)) return text.replace(personalTokens(), (_token, id: string, sealed: string) => this.#open(id, sealed))
    return text.replace(personalTokens(), (_token, id: string, sealed: string) => JSON.stringify(this.#open(id, sealed)).slice(1, -1))
  }

  #open(id: string, sealed: string): string {
    let key = this.#found.get(id)
    if (key === undefined) {
      key = this.#keys.find(id)
      this.#found.set(id, key)
    }
    if (key === null) return placeholders.foreign
    return key === 'erased' ? placeholders.erased : (open(key, sealed) ?? placeholders.damaged)
  }
}

function revealed(reader: Reader, value: JsonValue): JsonValue {
  if (typeof value === 'string') return reader.text(value)
  if (Array.isArray(value))
    return sameWhereEqual(
      value,
      value.map((each) => revealed(reader, each)),
    )
  return isObject(value) ? mapped(value, (_name, each) => revealed(reader, each)) : value
}
