/**
 * Writes files that are there whole or not at all: under another name first, made durable, then renamed. Our own, as the libraries for it
 * neither make the folder durable nor let a stream write the file.
 */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FileError, fileErrorOf } from './errors.ts'

export interface ReplaceOptions {
  readonly mode?: number
  /** Refuse where the file is there. */
  readonly isNew?: boolean
}

/** The name under which a file is written before `putInPlace`; null where it is written as it is, for it is a device or a pipe. */
export function partialName(file: string): string | null {
  const target = targetOf(file)
  if (target === null) return null
  sweep(target)
  return `${target}.${process.pid}.part`
}

/** Gives a file, written under its partial name, its own. Durable when it returns. Errors: FileError. */
export function putInPlace(partial: string, file: string): void {
  try {
    sync(partial)
    renameSync(partial, targetOf(file) ?? file)
    sync(dirname(partial))
  } catch (error) {
    rmSync(partial, { force: true })
    throw fileErrorOf(error, 'written', file) ?? error
  }
}

/** Writes a file in place of what is there under its name. A crash leaves the one or the other. Errors: FileError. */
export function replaceFile(file: string, content: string | Uint8Array, { isNew = false, mode }: ReplaceOptions = {}): void {
  const partial = partialName(file)
  if (isNew && statOf(file) !== undefined) throw new FileError(`${file} is there already. Name another, or move that one away.`)
  try {
    writeFileSync(partial ?? file, content, { ...(mode === undefined ? {} : { mode }), flush: partial !== null })
  } catch (error) {
    if (partial !== null) rmSync(partial, { force: true })
    throw fileErrorOf(error, 'written', file) ?? error
  }
  if (partial !== null) putInPlace(partial, file)
}

/** What was written to a file, or renamed into a folder, is found there after a power cut. */
export function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** The file that a link leads to, so that the link stays; null for what is not a file. */
function targetOf(file: string): string | null {
  const found = statOf(file)
  if (found === undefined) return file
  if (found.isSymbolicLink()) return targetOfLink(file)
  if (found.isDirectory()) throw new FileError(`${file} cannot be written: it is a folder. Name a file.`)
  return found.isFile() ? file : null
}

function targetOfLink(file: string): string | null {
  let target: string
  try {
    target = realpathSync(file)
  } catch (cause) {
    throw new FileError(`${file} cannot be written: it is a link that leads nowhere. Remove the link, or make what it names.`, { cause })
  }
  return targetOf(target)
}

function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false })
  } catch (error) {
    throw fileErrorOf(error, 'written', file) ?? error
  }
}

/** Removes what processes that were killed left half-written. */
function sweep(target: string): void {
  const start = `${basename(target)}.`
  let names: readonly string[]
  try {
    names = readdirSync(dirname(target))
  } catch (error) {
    throw fileErrorOf(error, 'written', target) ?? error
  }
  for (const name of names) {
    const pid = name.startsWith(start) ? /^(\d+)\.part$/.exec(name.slice(start.length))?.[1] : undefined
    if (pid !== undefined && !isProcessAlive(Number(pid))) rmSync(join(dirname(target), name), { force: true })
  }
}

/** Of this machine; this process is alive too. */
export function isProcessAlive(pid: number): boolean {
  if (pid === process.pid) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
