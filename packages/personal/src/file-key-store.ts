/**
 * A key store in a directory: a file a key, which ends in a checksum of the key and its id. What is destroyed is overwritten before it goes, and leaves an empty file under its id that says
 * so. The ids follow from the person by a secret of the store, so nothing in it names anybody. Several processes may share the directory.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { FileError, makeFolder, parseJson, replaceFile, sync } from '@signalbox/files'
import { z } from 'zod'
import { KeyStoreError } from './errors.ts'
import type { KeyStore, SubjectKey } from './key-store.ts'

const keyBytes = 32
const idBytes = 16
const checkBytes = 8
const secretText = z.string().length(43)
/** Stores of an earlier release have no checksums: their keys are taken as they are. */
const headerSchema = z.union([
  z.strictObject({ format: z.literal('signalbox-keys/1'), secret: secretText }),
  z.strictObject({ format: z.literal('signalbox-keys/2'), secret: secretText, check: z.string() }),
])

/** Of a secret and what it is the secret of, so that neither a flipped bit nor a file that was swapped for another passes. */
function checkOf(secret: Uint8Array, name: string): Buffer {
  return createHash('sha256').update(secret).update(name).digest().subarray(0, checkBytes)
}

/** Of the secret as it is written, so that every bit of the text counts. */
function headerCheck(secret: string): string {
  return checkOf(Buffer.from(secret), 'signalbox-keys/2').toString('base64url')
}

const headerFile = (directory: string) => join(directory, 'store.json')

/** Makes a new key store. Errors: KeyStoreError EXISTS, UNAVAILABLE. */
export function createFileKeyStore(name: string): KeyStore {
  const directory = resolve(name)
  return guarded(directory, () => {
    if (existsSync(directory) && readdirSync(directory).some((each) => !each.endsWith('.part')))
      throw new KeyStoreError('EXISTS', `${directory} is not empty; a new key store takes a directory of its own, so name another`)
    makeFolder(directory, 0o700)
    const secret = randomBytes(keyBytes).toString('base64url')
    const header: z.output<typeof headerSchema> = { format: 'signalbox-keys/2', secret, check: headerCheck(secret) }
    replaceFile(headerFile(directory), `${JSON.stringify(header)}\n`, { mode: 0o600, isNew: true })
    return openFileKeyStore(directory)
  })
}

/** Opens a key store that is there. Errors: KeyStoreError MISSING, DAMAGED, UNAVAILABLE. */
export function openFileKeyStore(name: string): KeyStore {
  const directory = resolve(name)
  if (!existsSync(headerFile(directory)))
    throw new KeyStoreError(
      'MISSING',
      `there is no key store in ${directory}. Put it back from its own backup; without it nobody can read the personal data in the log. Only where there never was one: signalbox keys create --keys ${directory}`,
    )
  return guarded(directory, () => {
    const header = headerSchema.safeParse(jsonOf(readFileSync(headerFile(directory), 'utf8')))
    const hasChecks = header.data?.format === 'signalbox-keys/2'
    if (header.success && (header.data.format === 'signalbox-keys/1' || header.data.check === headerCheck(header.data.secret)))
      return new FileKeyStore(directory, Buffer.from(header.data.secret, 'base64url'), hasChecks)
    throw new KeyStoreError('DAMAGED', `${headerFile(directory)} is not what signalbox keys create wrote; put it back from a backup`)
  })
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return null
  }
}

class FileKeyStore implements KeyStore {
  readonly #directory: string
  readonly #secret: Uint8Array
  readonly #hasChecks: boolean

  constructor(directory: string, secret: Uint8Array, hasChecks: boolean) {
    this.#directory = directory
    this.#secret = secret
    this.#hasChecks = hasChecks
  }

  keyOf(subject: string): SubjectKey {
    return guarded(this.#directory, () => {
      this.#checkIsThere()
      for (let generation = 1; ; generation++) {
        const id = this.#idOf(subject, generation)
        if (this.#isErased(id)) continue
        return this.#read(id) ?? this.#make(id)
      }
    })
  }

  existingKeyOf(subject: string): SubjectKey | null {
    return guarded(this.#directory, () => {
      this.#checkIsThere()
      for (let generation = 1; ; generation++) {
        const id = this.#idOf(subject, generation)
        if (!this.#isErased(id)) return this.#read(id)
      }
    })
  }

  find(id: string): SubjectKey | 'erased' | null {
    return guarded(this.#directory, () => {
      this.#checkIsThere()
      return this.#isErased(id) ? 'erased' : this.#read(id)
    })
  }

  erase(subject: string): readonly string[] {
    return guarded(this.#directory, () => {
      this.#checkIsThere()
      const erased: string[] = []
      for (let generation = 1; ; generation++) {
        const id = this.#idOf(subject, generation)
        const isThere = existsSync(this.#keyFile(id))
        if (!isThere && !this.#isErased(id)) return erased
        // From the first step on nobody reads the key; a crash before the last is made good by the next call.
        this.#mark(id)
        if (isThere) destroy(this.#keyFile(id))
        erased.push(id)
      }
    })
  }

  #idOf(subject: string, generation: number): string {
    return createHmac('sha256', this.#secret).update(`${generation}\u0000${subject}`).digest().subarray(0, idBytes).toString('base64url')
  }

  #keyFile(id: string): string {
    return join(this.#directory, 'keys', id.slice(0, 2), `${id}.key`)
  }

  #markFile(id: string): string {
    return join(this.#directory, 'erased', id.slice(0, 2), id)
  }

  #isErased(id: string): boolean {
    return existsSync(this.#markFile(id))
  }

  #mark(id: string): void {
    const file = this.#markFile(id)
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, '', { mode: 0o600, flush: true })
    sync(dirname(file))
  }

  #read(id: string): SubjectKey | null {
    const file = this.#keyFile(id)
    if (!existsSync(file)) return null
    const bytes = readFileSync(file)
    const secret = bytes.subarray(0, keyBytes)
    const check = bytes.subarray(keyBytes)
    const isWhole =
      secret.byteLength === keyBytes &&
      secret.some((byte) => byte !== 0) &&
      (this.#hasChecks ? check.equals(checkOf(secret, id)) : check.byteLength === 0)
    if (isWhole) return { id, secret }
    throw new KeyStoreError(
      'DAMAGED',
      `${file} does not hold the key that was written there; put it back from a backup of the key store. What is encrypted under it cannot be read until then`,
    )
  }

  /** Whoever is first makes it; the others take that one. */
  #make(id: string): SubjectKey {
    const file = this.#keyFile(id)
    const partial = `${file}.${randomBytes(6).toString('hex')}.part`
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const secret = randomBytes(keyBytes)
    writeFileSync(partial, this.#hasChecks ? Buffer.concat([secret, checkOf(secret, id)]) : secret, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    })
    try {
      linkSync(partial, file)
      unlinkSync(partial)
    } catch (error) {
      destroy(partial)
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    sync(dirname(file))
    return this.#read(id)!
  }

  /** A key store that went away must not be taken for one in which nothing is. */
  #checkIsThere(): void {
    if (!existsSync(headerFile(this.#directory)))
      throw new KeyStoreError('MISSING', `the key store in ${this.#directory} is gone; put it back, and look at what became of its volume`)
  }
}

function destroy(file: string): void {
  const descriptor = openSync(file, 'r+')
  try {
    writeSync(descriptor, Buffer.alloc(fstatSync(descriptor).size), 0, undefined, 0)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  unlinkSync(file)
  sync(dirname(file))
}

function guarded<Result>(directory: string, run: () => Result): Result {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof FileError) throw new KeyStoreError('UNAVAILABLE', cause.message, { cause })
    if (cause instanceof KeyStoreError || !(cause instanceof Error && 'code' in cause)) throw cause
    throw new KeyStoreError(
      'UNAVAILABLE',
      `the key store in ${directory} cannot be used: ${cause.message}; check the disk and its rights`,
      {
        cause,
      },
    )
  }
}
