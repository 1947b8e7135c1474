/** Data goes to stdout, all else to stderr. */
import { styleText } from 'node:util'
import type { OutputFormat } from './settings.ts'

type Style = Parameters<typeof styleText>[0]

/** Colours a text where stdout is a terminal that wants it; `styleText` heeds NO_COLOR. */
export function style(format: Style, text: string): string {
  return styleText(format, text, { stream: process.stdout, validateStream: true })
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

export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** One result: pretty JSON for `json`, one line for `jsonl`, `text()` for `text`. */
export function printOne(format: OutputFormat, value: unknown, text: () => string): void {
  const told = format === 'text' ? reveal.text(text()) : JSON.stringify(reveal.value(value), null, format === 'json' ? 2 : 0)
  process.stdout.write(`${told}\n`)
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
    if (format === 'json') process.stdout.write(`${count === 0 ? '\n' : ',\n'}${JSON.stringify(reveal.value(value))}`)
    else process.stdout.write(`${format === 'jsonl' ? JSON.stringify(reveal.value(value)) : reveal.text(text(value, count))}\n`)
    count++
  }
  if (format === 'json') process.stdout.write('\n]\n')
  return count
}

/** Rows in columns as wide as they need; the last is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  return rows
    .map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join('  '))
    .join('\n')
}
