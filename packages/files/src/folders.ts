import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { FileError, fileErrorOf } from './errors.ts'
import { partialName, putInPlace } from './write.ts'

/**
 * Makes a folder and those above it; gives the first that was made. One by one, as Node's own way never comes back from a link that leads
 * nowhere, or from a file system that takes no folders. Errors: FileError.
 */
export function makeFolder(folder: string, mode?: number): string | undefined {
  try {
    const missing: string[] = []
    for (let each = resolve(folder); !existsSync(each) && each !== dirname(each); each = dirname(each)) missing.unshift(each)
    for (const each of missing) makeOne(each, mode)
    if (!statSync(folder).isDirectory()) throw new FileError(`${folder} is a file, not a folder. Name another path.`)
    return missing[0]
  } catch (error) {
    throw fileErrorOf(error, 'made', folder) ?? error
  }
}

function makeOne(folder: string, mode: number | undefined): void {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() === true)
    throw new FileError(`${folder} is a link that leads nowhere. Remove the link, or make what it names.`)
  try {
    mkdirSync(folder, mode)
  } catch (error) {
    // Another process made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(folder).isDirectory()) throw error
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
