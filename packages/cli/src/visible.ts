/**
 * What agents and contracts wrote, as people may safely read it: a sign that a terminal would obey, that nobody sees, or that turns the
 * direction of reading is shown as an escape, like `\u{1b}` and `\u{202e}`, and a line break as `\n`. Nothing of it begins a line.
 */
import { randomBytes } from 'node:crypto'

// Controls, invisible signs, lone surrogates, line and paragraph separators. The variation selector of a pictograph is part of it.
const hidden =
  /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}]--[\n\ufe0f]]|(?<!\p{Extended_Pictographic})\ufe0f/gv

/** Stands for a line break that is not of our own layout, until the text is shown. Nothing is gained by who writes it. */
export const foreignBreak = '\ufdd0'

const escapes: { readonly [sign: string]: string } = { [foreignBreak]: '\\n', '\r': '\\r', '\t': '\\t' }

/** With the line breaks of our own layout, and nothing else that is not seen. */
export function visible(text: string): string {
  return text.replace(hidden, (sign) => escapes[sign] ?? `\\u{${sign.codePointAt(0)!.toString(16)}}`)
}

/** The same JSON, with what is not seen as `\uXXXX`. */
export function visibleJson(json: string): string {
  return json.replace(hidden, (sign) => {
    let text = ''
    for (let index = 0; index < sign.length; index++) text += `\\u${sign.charCodeAt(index).toString(16).padStart(4, '0')}`
    return text
  })
}

/** A text, or every text in a value, without line breaks: those that it has are shown as `\n`. */
export function inOneLine<Value>(value: Value): Value {
  return kept(value) as Value
}

function kept(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\n') ? value.replaceAll('\n', foreignBreak) : value
  if (Array.isArray(value)) return value.map(kept)
  if (typeof value !== 'object' || value === null) return value
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [kept(name), kept(each)]))
}

// Nobody who writes a text knows it beforehand.
const ownEscape = `\ufdd1${randomBytes(9).toString('base64url')}`

/** Marks what a colour begins and ends with, so that it is told apart from what others wrote. */
export function own(sequence: string): string {
  return sequence.replaceAll('\u001b', ownEscape)
}

/** As it is written to a terminal: our colours are obeyed, and nothing else. */
export function forTerminal(text: string): string {
  return text.split(ownEscape).map(visible).join('\u001b')
}
