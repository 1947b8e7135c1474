/**
 * The data that contract code made, as it is written: nothing of it may be lost, and the contract must read it back as what it
 * is. All of it runs where contract code does, as getters and proxies are part of what was made.
 */
import { canonicalize, type FlatObject, flatObject, isPlainObject, JsonError, maxDepth } from '@signalbox/contract'
import type { Issue, PreparedAction, ReadResult } from './prepared.ts'
import { ContractFault } from './sandbox.ts'

/** The text of what contract code made. */
export function jsonTextOf(where: string, made: unknown): string {
  try {
    return canonicalize(wholeData(where, made), 'data')
  } catch (cause) {
    if (cause instanceof JsonError) throw new ContractFault(`${where} made data that JSON cannot hold: ${cause.message}`, { cause })
    throw cause
  }
}

/** The same, which has nothing that JSON, or the reading by a schema, would leave out in silence. */
export function wholeData<Made>(where: string, made: Made): Made {
  const lost = lostIn(made, 'data', 0)
  if (lost !== null) throw new ContractFault(`${where} made data that JSON cannot hold: ${lost}`)
  return made
}

// Other kinds of values are refused when their text is made.
function lostIn(value: unknown, path: string, depth: number): string | null {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return null
  if (Array.isArray(value)) return lostInArray(value, path, depth)
  if (!isPlainObject(value)) return null
  const keys = Object.keys(value)
  // One look tells nearly all of them apart from the few that hide something.
  const all = Reflect.ownKeys(value)
  if (all.length > keys.length) {
    const hidden = all.find((key) => !keys.includes(key as string))!
    if (typeof hidden === 'symbol') return symbolIn(path)
    return `${path}.${hidden} is not enumerable, so that it would be left out; set it as a plain property`
  }
  for (let index = 0; index < keys.length; index++) {
    const member = (value as Record<string, unknown>)[keys[index]!]
    if (typeof member !== 'object' || member === null) continue
    const lost = lostIn(member, `${path}.${keys[index]}`, depth + 1)
    if (lost !== null) return lost
  }
  return null
}

function lostInArray(values: readonly unknown[], path: string, depth: number): string | null {
  // The names of an array are its indexes, its length, and then what else was set; symbols come last.
  const last = Reflect.ownKeys(values).at(-1)
  if (typeof last === 'symbol') return symbolIn(path)
  if (last !== 'length') return `${path} is a list with the key ${last}, which would be left out; use an object`
  for (let index = 0; index < values.length; index++) {
    const lost = lostIn(values[index], `${path}[${index}]`, depth + 1)
    if (lost !== null) return lost
  }
  return null
}

function symbolIn(path: string): string {
  return `${path} has a key that is a symbol, which would be left out; use a text`
}

type Kept = { readonly issues: readonly Issue[] } | { readonly flat: FlatObject | null; readonly value: unknown; readonly text: string }

/** What a schema made of the data, as it will be read from the log: what contract code made may be another thing each time it is looked at. */
export function keptData({ changesData, readData, whereApply }: PreparedAction, read: ReadResult): Kept {
  if (!read.success) return { issues: read.issues }
  const flat = flatObject(read.data)
  const text = flat?.text ?? jsonTextOf(whereApply, read.data)
  const value = flat === null ? JSON.parse(text) : read.data
  // A schema that only looks says of the same value the same again.
  if (changesData || (flat === null && leavesOut(read.data))) checkReadBack(whereApply, text, readData(JSON.parse(text)))
  return { flat, value, text }
}

/** Whether JSON leaves out a key of it, as it does where the value is undefined. */
function leavesOut(value: unknown): boolean {
  if (value === undefined) return true
  if (typeof value !== 'object' || value === null) return false
  return (Array.isArray(value) ? value : Object.values(value)).some(leavesOut)
}

function checkReadBack(where: string, text: string, again: ReadResult): void {
  if (!again.success) {
    const { message, path } = again.issues[0]!
    const at = path === '' ? '' : `, at ${path}`
    throw new ContractFault(
      `${where} made data that its contract does not read back${at}: ${message}; let the schema of the data take what it gives, without keys that are undefined`,
    )
  }
  if (jsonTextOf(where, again.data) !== text)
    throw new ContractFault(
      `${where} made data that its contract reads back as another: its schema changes what it has given; change values in the schema of the input, or in apply`,
    )
}
