/**
 * Canonical JSON (RFC 8785) and the strict reading of JSON that it needs: one text, one meaning, in every language.
 * Refused are duplicate keys, the key `__proto__`, numbers that a double does not hold exactly as an integer beyond
 * 2^53 - 1, lone surrogates, the character NUL, and nesting past `maxDepth`.
 */
import { characters, consistsOf } from './characters.ts'
import { flatObjectText } from './flat-json.ts'
import { textProblem } from './name-text.ts'
import { findDuplicateKey } from './strict-json.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type JsonObject = { readonly [key: string]: JsonValue }

export const maxDepth = 64

/** Bad JSON: `path` says where (`input.lines[2].amount`), the message what and what to do. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
  readonly path: string

  constructor(path: string, message: string, options?: { cause?: unknown }) {
    super(`${path === '' ? 'the JSON' : path} ${message}`, options)
    this.path = path
  }
}

// Characters that a JSON string must escape, and the surrogates, which need a look.
const needsCare = /["\\\u0000-\u001f\ud800-\udfff]/

/** Whether a text stands for itself between the quotes of a JSON string. */
export function isUnescaped(text: string): boolean {
  return consistsOf(text, 0, text.length, characters.unescaped) || !needsCare.test(text)
}

/** A JSON string literal in RFC 8785 form. */
export function canonicalString(text: string, path = ''): string {
  if (isUnescaped(text)) return `"${text}"`
  const problem = textProblem(text)
  if (problem !== null) throw new JsonError(path, problem)
  return JSON.stringify(text)
}

function inside(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

/** The RFC 8785 form of a value. Throws JsonError. */
export function canonicalize(value: unknown, path = ''): string {
  const flat = flatObjectText(value)
  if (flat !== null) return flat
  try {
    return canonicalText(value, path, 0)
  } catch (error) {
    if (error instanceof TooDeepError) throw circleIn(value, path) ?? error
    throw error
  }
}

/** Most likely a circle. */
class TooDeepError extends JsonError {}

/** What holds itself, named by where that is seen first; null where nothing does. */
function circleIn(root: unknown, rootPath: string): JsonError | null {
  const above = new Map<object, string>()
  const looked = new Set<object>()
  const look = (value: unknown, path: string): JsonError | null => {
    if (typeof value !== 'object' || value === null || looked.has(value)) return null
    const outer = above.get(value)
    if (outer !== undefined)
      return new JsonError(path, `is ${outer === '' ? 'the whole' : outer} again: a circle, which JSON has no form for; leave it out`)
    if (above.size > maxDepth) return null
    above.set(value, path)
    for (const [key, member] of Object.entries(value)) {
      const found = look(member, Array.isArray(value) ? `${path}[${key}]` : inside(path, key))
      if (found !== null) return found
    }
    above.delete(value)
    looked.add(value)
    return null
  }
  return look(root, rootPath)
}

function canonicalText(value: unknown, path: string, depth: number): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value, path)
    case 'number':
      if (!Number.isFinite(value)) throw new JsonError(path, `is ${value}, which JSON has no number for`)
      if (value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER) {
        throw new JsonError(path, 'is a number beyond 2^53 - 1, which not every reader holds exactly; send it as a string')
      }
      return `${value === 0 ? 0 : value}`
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      break
    default:
      throw new JsonError(path, `is ${typeof value}, which JSON has no form for`)
  }
  if (value === null) return 'null'
  if (depth >= maxDepth) throw new TooDeepError(path, `nests deeper than ${maxDepth}; flatten it`)
  return Array.isArray(value) ? canonicalArray(value, path, depth) : canonicalObject(value as Record<string, unknown>, path, depth)
}

function canonicalArray(values: readonly unknown[], path: string, depth: number): string {
  let text = '['
  for (let index = 0; index < values.length; index++) {
    if (index > 0) text += ','
    text += canonicalText(values[index], `${path}[${index}]`, depth + 1)
  }
  return `${text}]`
}

function canonicalObject(object: Record<string, unknown>, path: string, depth: number): string {
  if (!isPlainObject(object))
    throw new JsonError(path, `is a ${classOf(object)}, which JSON has no form for; make a text, a number or a plain object of it`)
  const keys = Object.keys(object)
  if (keys.length > 1 && !areSorted(keys)) keys.sort()
  let text = '{'
  for (const key of keys) {
    const member = object[key]
    if (member === undefined) continue
    if (key === '__proto__')
      throw new JsonError(inside(path, key), 'is a key that Signalbox refuses, as it changes objects in many languages; rename it')
    if (text.length > 1) text += ','
    // Strings and small integers are the common case: no path is built for them.
    text += `${canonicalString(key, path)}:${typeof member === 'string' && isUnescaped(member) ? `"${member}"` : canonicalText(member, inside(path, key), depth + 1)}`
  }
  return `${text}}`
}

/** Whether an object is one as `{}` makes it: anything else (a Date, a Map, an instance of a class) would lose what it holds. */
export function isPlainObject(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  // The prototype of plain objects has none itself; that of another realm is as good.
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}

export function classOf(object: object): string {
  const name: unknown = object.constructor?.name
  return typeof name === 'string' && name !== '' ? name : 'instance of a class'
}

// RFC 8785 sorts by UTF-16 code units, which is what `<` and `sort` compare.
function areSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index++) if (keys[index - 1]! > keys[index]!) return false
  return true
}

/** Reads JSON strictly and gives the value with its RFC 8785 form. Throws JsonError. */
export function readJson(text: string, path = ''): { readonly value: JsonValue; readonly canonical: string } {
  let value: JsonValue
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new JsonError(path, `is no JSON: ${(cause as Error).message}`, { cause })
  }
  const canonical = canonicalize(value, path)
  // A text that is its own canonical form cannot hide a duplicate key; any other text is looked through.
  if (canonical !== text) {
    const duplicate = findDuplicateKey(text)
    if (duplicate !== null) throw new JsonError(inside(path, duplicate), 'appears twice in one object; send each key once')
  }
  return { value, canonical }
}

/** Bytes that a text takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    bytes += unit < 0x800 ? 1 : 2
    // A pair is two units and four bytes: 2 + 2, of which the second unit adds nothing more.
    if (unit >= 0xd800 && unit <= 0xdbff) index++
  }
  return bytes
}
