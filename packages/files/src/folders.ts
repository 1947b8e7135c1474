import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { fileErrorOf } from './errors.ts'
import { partialName, putInPlace } from './write.ts'

/** Makes a folder and those above it; gives the first that was made. Errors: FileError. */
export function makeFolder(folder: string): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw fileErrorOf(error, 'made', folder) ?? error
  }
}

/** Copies a file; it is there whole or not at all. Errors: FileError. */
export function copyInPlace(from: string, to: string): void {
  const partial = partialName(to) ?? to
  try {
    copyFileSync(from, partial)
  } catch (error) {
    if (partial !== to) rmSync(partial, { force: true })
    throw fileErrorOf(error, 'copied', from) ?? error
  }
  if (partial !== to) putInPlace(partial, to)
}

/** Errors: FileError. */
export function readTextFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw fileErrorOf(error, 'read', file) ?? error
  }
}
