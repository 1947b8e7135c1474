/**
 * Data goes to stdout, all else to stderr. Everything that a command says goes through here, where what others wrote is shown and
 * never obeyed.
 */
import { stripVTControlCharacters, styleText } from 'node:util'
import { forTerminal, inOneLine, own, visibleJson } from './visible.ts'

export type OutputFormat = 'text' | 'json' | 'jsonl'

type Style = Parameters<typeof styleText>[0]

/** Colours a text where stdout is a terminal that wants it; `styleText` heeds NO_COLOR. */
export function style(format: Style, text: string): string {
  const [before = '', after = ''] = styleText(format, '.', { stream: process.stdout, validateStream: true }).split('.')
  return `${own(before)}${text}${own(after)}`
}

/** Shows personal data in what is printed, to who holds the keys. */
export interface Reveal {
  value<Value>(value: Value): Value
  text(text: string): string
}

/** For who names no keys. */
export const asItLies: Reveal = { value: (value) => value, text: (text) => text }

let reveal = asItLies

/** For everything that is printed from now on. */
export function revealWith(given: Reveal): void {
  reveal = given
}

/** One line. */
export function say(text: string): void {
  sayLines(inOneLine(text))
}

/** A text with a layout of its own: what others wrote must be `inOneLine` in it. */
export function sayLines(text: string): void {
  sayPart(`${text}\n`)
}

/** Without an end of the line. */
export function sayPart(text: string): void {
  process.stderr.write(forTerminal(text))
}

/** A line of JSON with its end, as services log them. */
export function sayJsonLine(line: string): void {
  process.stderr.write(visibleJson(line))
}

/** The same for stdout. */
export function printLines(text: string): void {
  process.stdout.write(`${forTerminal(reveal.text(text))}\n`)
}

function jsonOf(value: unknown, indent = 0): string {
  return visibleJson(JSON.stringify(reveal.value(value), null, indent))
}

/**
 * One result: pretty JSON for `json`, one line for `jsonl`, `text` of it for `text`, which gets the value with every text in one line.
 */
export function printOne<Value>(format: OutputFormat, value: Value, text: (value: Value) => string): void {
  if (format === 'text') printLines(text(inOneLine(value)))
  else process.stdout.write(`${jsonOf(value, format === 'json' ? 2 : 0)}\n`)
}

/** Several results: one array for `json`, a line each for `jsonl`, a line each of `text` for `text`. */
export async function printMany<Value>(
  format: OutputFormat,
  values: AsyncIterable<Value> | Iterable<Value>,
  text: (value: Value, index: number) => string,
): Promise<number> {
  let count = 0
  if (format === 'json') process.stdout.write('[')
  for await (const value of values) {
    if (format === 'json') process.stdout.write(`${count === 0 ? '\n' : ',\n'}${jsonOf(value)}`)
    else printOne(format, value, (shown) => text(shown, count))
    count++
  }
  if (format === 'json') process.stdout.write('\n]\n')
  return count
}

/** Rows in columns as wide as they need; the last is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))
  const padded = (cell: string, column: number) => `${cell}${' '.repeat(widths[column]! - widthOf(cell))}`
  return rows.map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : padded(cell, column))).join('  ')).join('\n')
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(forTerminal(cell)).length
}
