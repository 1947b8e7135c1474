/**
 * Remembered intent ids as an event carries them: base64 of 42 bytes each, as schemas/PartitionCarried.avsc says. A base64 text of whole
 * groups of three bytes needs no padding, so that texts of several ids can be put together.
 */
import type { RememberedId } from '../state/identity.ts'

const idBytes = 42

/** Ids as text, with the codes that they name by number. The words of an id are read at once: the next one may overwrite them. */
export class CarriedIds {
  readonly codes: string[] = ['']
  readonly #texts: string[] = []

  get count(): number {
    return this.#texts.length
  }

  get text(): string {
    return this.#texts.join('')
  }

  add({ code, digest, id, index, offset, partition }: RememberedId): void {
    const bytes = new Uint8Array(idBytes)
    const view = new DataView(bytes.buffer)
    for (let word = 0; word < 4; word++) view.setUint32(4 * word, id[word]!)
    writeDigest(bytes, digest)
    view.setUint16(31, partition)
    view.setUint16(33, Math.floor(offset / 0x1_0000_0000))
    view.setUint32(35, offset % 0x1_0000_0000)
    view.setUint8(39, index)
    view.setUint16(40, this.#numberOf(code ?? ''))
    this.#texts.push(btoa(String.fromCharCode(...bytes)))
  }

  #numberOf(code: string): number {
    const number = this.codes.indexOf(code)
    return number < 0 ? this.codes.push(code) - 1 : number
  }
}

/** What `CarriedIds` wrote. What is yielded is overwritten by the next. Throws RangeError for a text that is none. */
export function* readCarriedIds(text: string, codes: readonly string[]): Generator<RememberedId> {
  const binary = atob(text)
  if (binary.length % idBytes !== 0)
    throw new RangeError(`ids that were carried over have ${binary.length} bytes, no multiple of ${idBytes}`)
  const bytes = new Uint8Array(idBytes)
  const view = new DataView(bytes.buffer)
  const id = new Uint32Array(4)
  const digest = new Uint32Array(4)
  for (let at = 0; at < binary.length; at += idBytes) {
    for (let index = 0; index < idBytes; index++) bytes[index] = binary.charCodeAt(at + index)
    for (let word = 0; word < 4; word++) id[word] = view.getUint32(4 * word)
    readDigest(bytes, digest)
    const code = codes[view.getUint16(40)]
    if (code === undefined) throw new RangeError('an id that was carried over names a code that is not there')
    const offset = view.getUint16(33) * 0x1_0000_0000 + view.getUint32(35)
    yield { id, digest, partition: view.getUint16(31), offset, index: view.getUint8(39), code: code === '' ? null : code }
  }
}

const digestAt = 16
const digestBytes = 15

// Four words of 30 bits, one after another: 120 bits.
function writeDigest(bytes: Uint8Array, digest: Uint32Array): void {
  for (let bit = 0; bit < 8 * digestBytes; bit++) {
    if (((digest[Math.floor(bit / 30)]! >>> (29 - (bit % 30))) & 1) === 1) bytes[digestAt + (bit >>> 3)]! |= 0x80 >>> (bit & 7)
  }
}

function readDigest(bytes: Uint8Array, digest: Uint32Array): void {
  digest.fill(0)
  for (let bit = 0; bit < 8 * digestBytes; bit++) {
    if ((bytes[digestAt + (bit >>> 3)]! & (0x80 >>> (bit & 7))) !== 0)
      digest[Math.floor(bit / 30)] = digest[Math.floor(bit / 30)]! | (1 << (29 - (bit % 30)))
  }
}
