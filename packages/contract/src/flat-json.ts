/**
 * The RFC 8785 form of flat objects, which is what most inputs and most data are. The keys of an object, in the order in
 * which it has them, lead through a tree of the key lists met before to what is the same for all objects of these keys:
 * their sorted order, and the text that goes before each member.
 */
import { characters, consistsOf } from './characters.ts'

/** Where the keys so far lead. */
class KeyNode {
  readonly keys: readonly string[]
  readonly #next = new Map<string, KeyNode>()
  // Objects of the same keys come one after another, so the key taken last is tried first.
  #lastKey: string | null = null
  #lastNode: KeyNode | null = null
  #form: FlatForm | null = null

  constructor(keys: readonly string[]) {
    this.keys = keys
  }

  /** The node of one key more; null where that key needs care, or there is no room for it. */
  next(key: string): KeyNode | null {
    if (key === this.#lastKey) return this.#lastNode
    const node = this.#next.get(key) ?? this.#add(key)
    if (node === null) return null
    this.#lastKey = key
    this.#lastNode = node
    return node
  }

  form(): FlatForm {
    this.#form ??= flatForm(this.keys)
    return this.#form
  }

  #add(key: string): KeyNode | null {
    if (nodeCount >= maxNodes || this.keys.length >= maxKeys) return null
    if (key === '__proto__' || !consistsOf(key, 0, key.length, characters.unescaped)) return null
    nodeCount++
    const node = new KeyNode([...this.keys, key])
    this.#next.set(key, node)
    return node
  }
}

// Bounds of the tree: keys may come from agents. Objects that find no room there take the general way.
const maxNodes = 4096
const maxKeys = 32
let nodeCount = 0

interface FlatForm {
  /** In sorted order: which of the object's members comes next, and the text before it. */
  readonly order: readonly number[]
  readonly prefixes: readonly string[]
  /** The keys, sorted. */
  readonly sorted: readonly string[]
  readonly template: Readonly<Record<string, unknown>>
}

function flatForm(keys: readonly string[]): FlatForm {
  const sorted = [...keys].sort()
  return {
    order: sorted.map((key) => keys.indexOf(key)),
    prefixes: sorted.map((key, index) => `${index === 0 ? '{' : ','}"${key}":`),
    sorted,
    template: Object.fromEntries(sorted.map((key) => [key, null])),
  }
}

const root = new KeyNode([])
const members: (string | number | boolean | null)[] = []

/** The text of a flat object; null for any other value, and where anything in it needs care. */
export function flatObjectText(value: unknown): string | null {
  const form = read(value)
  return form === null ? null : textOf(form)
}

/** A flat object and its text, which give each other. */
export interface FlatObject {
  readonly text: string
  /** As `JSON.parse` would make it of the text. */
  readonly value: Readonly<Record<string, unknown>>
}

/** The same with a copy of the object. */
export function flatObject(value: unknown): FlatObject | null {
  const form = read(value)
  return form === null ? null : { text: textOf(form), value: copyOf(form) }
}

/** Leaves the members of a flat object in `members`. */
function read(value: unknown): FlatForm | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const object = value as Record<string, unknown>
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return null
  let node: KeyNode | null = root
  let count = 0
  for (const key in object) {
    const member = object[key]
    if (!isPlain(member)) return null
    node = node.next(key)
    if (node === null) return null
    members[count++] = member
  }
  return node.form()
}

function textOf({ order, prefixes }: FlatForm): string {
  if (order.length === 0) return '{}'
  let text = ''
  for (let index = 0; index < order.length; index++) text += prefixes[index]! + memberText(members[order[index]!]!)
  return `${text}}`
}

// From a template, so that all copies of one form share their layout.
function copyOf({ order, sorted, template }: FlatForm): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...template }
  for (let index = 0; index < order.length; index++) {
    const member = members[order[index]!]!
    copy[sorted[index]!] = member === 0 ? 0 : member
  }
  return copy
}

function isPlain(member: unknown): member is string | number | boolean | null {
  if (typeof member === 'number') return member <= Number.MAX_SAFE_INTEGER && member >= -Number.MAX_SAFE_INTEGER
  if (typeof member === 'string') return consistsOf(member, 0, member.length, characters.unescaped)
  return typeof member === 'boolean' || member === null
}

function memberText(member: string | number | boolean | null): string {
  if (typeof member === 'string') return `"${member}"`
  return typeof member === 'number' ? `${member === 0 ? 0 : member}` : `${member}`
}
