import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileKeyStore, KeyStoreError, openFileKeyStore } from '@signalbox/personal'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-keys-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const files = () =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))

describe('a key store in a directory', () => {
  it('gives a person one key, the same to everybody who opens it, and tells nobody whose it is', () => {
    const store = createFileKeyStore(directory)
    const key = store.keyOf('customer-42')
    expect(openFileKeyStore(directory).keyOf('customer-42')).toEqual(key)
    expect(openFileKeyStore(directory).find(key.id)).toEqual(key)
    expect(store.keyOf('customer-43').id).not.toBe(key.id)
    expect(files().filter((file) => file.includes('customer') || readFileSync(file).includes('customer'))).toEqual([])
    if (process.platform !== 'win32') for (const file of files()) expect(statSync(file).mode & 0o077).toBe(0)
  })

  it('destroys a key for good: nobody finds it, no file holds it, and the person gets another one', () => {
    const store = createFileKeyStore(directory)
    const other = store.keyOf('customer-43')
    const first = store.keyOf('customer-42')
    expect(store.erase('customer-42')).toEqual([first.id])
    const reader = openFileKeyStore(directory)
    expect(reader.find(first.id)).toBe('erased')
    expect(reader.existingKeyOf('customer-42')).toBe(null)
    expect(files().filter((file) => readFileSync(file).includes(Buffer.from(first.secret)))).toEqual([])
    const second = store.keyOf('customer-42')
    expect(second.id).not.toBe(first.id)
    expect(second.secret).not.toEqual(first.secret)
    expect(store.erase('customer-42')).toEqual([first.id, second.id])
    expect(reader.find(other.id)).toEqual(other)
  })

  it('goes on with an erasure that a crash cut off', () => {
    const store = createFileKeyStore(directory)
    const key = store.keyOf('customer-42')
    const file = files().find((each) => each.endsWith('.key'))!
    const bytes = readFileSync(file)
    store.erase('customer-42')
    // As if it had ended between the first step and the last.
    writeFileSync(file, bytes)
    expect(store.find(key.id)).toBe('erased')
    expect(store.existingKeyOf('customer-42')).toBe(null)
    expect(store.erase('customer-42')).toEqual([key.id])
    expect(existsSync(file)).toBe(false)
  })

  it('knows nobody who never had a key', () => {
    const store = createFileKeyStore(directory)
    expect([store.existingKeyOf('customer-1'), store.erase('customer-1'), store.find('A'.repeat(22))]).toEqual([null, [], null])
  })

  const failure = (run: () => unknown): unknown => {
    try {
      run()
    } catch (error) {
      return error
    }
    throw new Error('it did not fail')
  }

  it('says that it is lost, was damaged, or that another is there', () => {
    expect(failure(() => openFileKeyStore(directory))).toMatchObject({
      code: 'MISSING',
      message: expect.stringContaining('nobody can read'),
    })
    const store = createFileKeyStore(directory)
    const { id } = store.keyOf('customer-42')
    expect(failure(() => createFileKeyStore(directory))).toMatchObject({ code: 'EXISTS' })
    const file = files().find((each) => each.endsWith('.key'))!
    writeFileSync(file, Buffer.alloc(32))
    expect(failure(() => store.find(id))).toMatchObject({ code: 'DAMAGED' })
    writeFileSync(join(directory, 'store.json'), '{}')
    expect(failure(() => openFileKeyStore(directory))).toMatchObject({ code: 'DAMAGED' })
    rmSync(join(directory, 'store.json'))
    const gone = failure(() => store.keyOf('customer-43'))
    expect(gone).toBeInstanceOf(KeyStoreError)
    expect(gone).toMatchObject({ code: 'MISSING', message: expect.stringContaining('is gone') })
  })

  it('finds one flipped bit anywhere in the store', () => {
    const store = createFileKeyStore(directory)
    const { id } = store.keyOf('customer-42')
    const use = () => openFileKeyStore(directory).find(id)
    expect(use()).not.toBe(null)
    for (const file of files()) {
      const whole = readFileSync(file)
      for (let byte = 0; byte < whole.byteLength; byte++) {
        const flipped = Buffer.from(whole)
        flipped[byte]! ^= 1 << (byte % 8)
        writeFileSync(file, flipped)
        // What is left of the same meaning, as another space at the end, is no damage.
        const isSame = file.endsWith('store.json') && flipped.toString().trim() === whole.toString().trim()
        if (!isSame)
          expect(failure(use), `byte ${byte} of ${file}`).toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('backup') })
      }
      writeFileSync(file, whole)
    }
    expect(use()).toEqual(store.keyOf('customer-42'))
  })

  it('finds a file that was cut off, made longer, or swapped for that of another person', () => {
    const store = createFileKeyStore(directory)
    const [one, other] = [store.keyOf('customer-1'), store.keyOf('customer-2')]
    const [file, second] = [one, other].map(({ id }) => files().find((each) => each.endsWith(`${id}.key`))!)
    const whole = readFileSync(file!)
    for (const bytes of [
      whole.subarray(0, 39),
      whole.subarray(0, 32),
      Buffer.concat([whole, whole]),
      Buffer.alloc(40),
      readFileSync(second!),
    ]) {
      writeFileSync(file!, bytes)
      expect(failure(() => store.find(one.id))).toMatchObject({ code: 'DAMAGED' })
      expect(failure(() => store.keyOf('customer-1'))).toMatchObject({ code: 'DAMAGED' })
    }
    expect(store.keyOf('customer-2')).toEqual(other)
  })

  it('reads and goes on with a store of the first format, which has no checksums', () => {
    createFileKeyStore(directory)
    const { secret } = JSON.parse(readFileSync(join(directory, 'store.json'), 'utf8')) as { secret: string }
    writeFileSync(join(directory, 'store.json'), `${JSON.stringify({ format: 'signalbox-keys/1', secret })}\n`)
    const key = openFileKeyStore(directory).keyOf('customer-42')
    expect(openFileKeyStore(directory).find(key.id)).toEqual(key)
    expect(readFileSync(files().find((each) => each.endsWith('.key'))!).byteLength).toBe(32)
  })
})
