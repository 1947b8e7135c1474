/** A file with records of one topic of one partition: JSON lines, packed. */
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdirSync, rmSync, statSync, type WriteStream } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGunzip, createGzip, type Gzip } from 'node:zlib'
import type { LogRecord } from '@signalbox/log'
import { BackupError } from './errors.ts'
import type { KeptTopic, Segment } from './manifest.ts'

interface Line {
  readonly offset: number
  readonly timestampMs: number
  readonly key: string
  /** Base64. */
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

export type KeptRecord = Omit<LogRecord, 'key' | 'value'> & { readonly key: string; readonly value: Uint8Array }

export class SegmentWriter {
  readonly #directory: string
  readonly #segment: Pick<Segment, 'topic' | 'partition' | 'from' | 'file'>
  readonly #partial: string
  readonly #gzip: Gzip
  readonly #file: WriteStream
  #records = 0
  /** Of what was written so far, not packed. */
  bytes = 0

  constructor(directory: string, topic: KeptTopic, partition: number, from: number) {
    const file = join(topic, `${partition}`, `${`${from}`.padStart(15, '0')}.jsonl.gz`)
    this.#directory = directory
    this.#segment = { topic, partition, from, file: file.replaceAll('\\', '/') }
    this.#partial = join(directory, `${file}.part`)
    mkdirSync(dirname(this.#partial), { recursive: true })
    this.#file = createWriteStream(this.#partial)
    this.#gzip = createGzip()
    // Told to whoever waits for the drain or the end.
    pipeline(this.#gzip, this.#file, () => {})
  }

  async write({ headers, key, offset, timestampMs, value }: LogRecord): Promise<void> {
    const line: Line = { offset, timestampMs, key: key ?? '', value: Buffer.from(value ?? new Uint8Array()).toString('base64'), headers }
    const text = `${JSON.stringify(line)}\n`
    this.#records++
    this.bytes += text.length
    if (!this.#gzip.write(text)) await once(this.#gzip, 'drain')
  }

  /** Durable under its name. `to`: behind the last offset that is in it, or would be. */
  async close(to: number): Promise<Segment> {
    this.#gzip.end()
    await finished(this.#file)
    const handle = await open(this.#partial, 'r+')
    await handle.sync()
    await handle.close()
    const file = join(this.#directory, this.#segment.file)
    await rename(this.#partial, file)
    return { ...this.#segment, to, records: this.#records, bytes: statSync(file).size, sha256: await digestOf(file) }
  }

  async abort(): Promise<void> {
    this.#gzip.destroy()
    this.#file.destroy()
    await finished(this.#file).catch(() => {})
    rmSync(this.#partial, { force: true })
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('base64url')
}

/** The records of a file in their order. Errors: BackupError for one that is missing, cut off or changed, at its end at the latest. */
export async function* readSegment(directory: string, segment: Segment): AsyncGenerator<KeptRecord> {
  const file = join(directory, segment.file)
  const hash = createHash('sha256')
  let records = 0
  try {
    const bytes = createReadStream(file)
    bytes.on('data', (chunk) => hash.update(chunk))
    const lines = createInterface({ input: pipeline(bytes, createGunzip(), () => {}), crlfDelay: Number.POSITIVE_INFINITY })
    for await (const text of lines) {
      const { value, ...line } = JSON.parse(text) as Line
      records++
      yield { ...line, value: Buffer.from(value, 'base64') }
    }
  } catch (cause) {
    throw damaged(file, (cause as Error).message, cause)
  }
  if (digest(hash) !== segment.sha256 || records !== segment.records)
    throw damaged(file, 'its digest is not the one that was written down when it was made')
}

function digest(hash: Hash): string {
  return hash.copy().digest('base64url')
}

function damaged(file: string, what: string, cause?: unknown): BackupError {
  return new BackupError(`${file} of the backup cannot be used: ${what}; restore from another backup`, { cause })
}
