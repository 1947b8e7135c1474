/** JSON files as people and programs write them. */
import { readFileSync } from 'node:fs'
import { FileError, fileErrorOf } from './errors.ts'

/** Some editors write a byte order mark; JSON has none. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** Errors: SyntaxError. */
export function parseJson(text: string): unknown {
  return JSON.parse(withoutByteOrderMark(text))
}

/** Errors: FileError for a file that cannot be read or holds no JSON; `next` says what to do about the latter. */
export function readJsonFile(file: string, next: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw fileErrorOf(error, 'read', file) ?? error
  }
  try {
    return parseJson(text)
  } catch (cause) {
    throw new FileError(`${file} holds no JSON, or was cut off. ${next}`, { cause })
  }
}
