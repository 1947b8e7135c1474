import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { withoutByteOrderMark } from './read.ts'

/** Of what Signalbox writes, none comes near it. */
const maxLineLength = 256 * 1024 * 1024

export interface LinesOptions {
  /** Whether the file is packed (gzip). */
  readonly isPacked: boolean
  /** Sees the bytes as they are in the file. */
  readonly onBytes?: (bytes: Buffer) => void
}

/** The lines of a text file, one after the other. Throws what the file system or zlib throws, at the end at the latest. */
export async function* readLines(file: string, { isPacked, onBytes }: LinesOptions): AsyncGenerator<string> {
  const bytes = createReadStream(file)
  const input = isPacked ? bytes.pipe(createGunzip()) : bytes
  if (onBytes !== undefined) bytes.on('data', (chunk) => onBytes(chunk as Buffer))
  // Each may fail after the other has; who reads is told of the first.
  bytes.on('error', (error) => input.destroy(error))
  input.on('error', () => bytes.destroy())
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let rest = ''
  let isFirst = true
  const begun = (line: string) => {
    const text = isFirst ? withoutByteOrderMark(line) : line
    isFirst = false
    return text.endsWith('\r') ? text.slice(0, -1) : text
  }
  try {
    for await (const chunk of input) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n')
      rest = lines.pop()!
      if (rest.length > maxLineLength) throw new RangeError(`it has a line of more than ${maxLineLength} characters`)
      for (const line of lines) yield begun(line)
    }
    rest += decoder.decode()
    if (rest !== '') yield begun(rest)
  } finally {
    input.destroy()
    bytes.destroy()
  }
}
