/** A file with records of one topic of one partition: JSON lines, packed. */
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip, type Gzip } from 'node:zlib'
import { fileErrorOf, putInPlace, readLines } from '@signalbox/files'
import type { LogRecord } from '@signalbox/log'
import { BackupError } from './errors.ts'
import { type KeptTopic, keptTopics, type Segment, type Taken } from './manifest.ts'

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
  readonly #done: Promise<void>
  #failure: unknown
  #records = 0
  /** Of what was written so far, not packed. */
  bytes = 0

  constructor(directory: string, topic: KeptTopic, partition: number, from: number) {
    const file = join(topic, `${partition}`, `${`${from}`.padStart(15, '0')}.jsonl.gz`)
    this.#directory = directory
    this.#segment = { topic, partition, from, file: file.replaceAll('\\', '/') }
    this.#partial = join(directory, `${file}.part`)
    mkdirSync(dirname(this.#partial), { recursive: true })
    this.#gzip = createGzip()
    this.#done = pipeline(this.#gzip, createWriteStream(this.#partial))
    // Told to whoever writes next, or waits for the end.
    this.#done.catch((error: unknown) => {
      this.#failure = error
    })
  }

  async write({ headers, key, offset, timestampMs, value }: LogRecord): Promise<void> {
    const line: Line = { offset, timestampMs, key: key ?? '', value: Buffer.from(value ?? new Uint8Array()).toString('base64'), headers }
    const text = `${JSON.stringify(line)}\n`
    this.#records++
    this.bytes += text.length
    if (this.#failure !== undefined) throw this.#error(this.#failure)
    if (this.#gzip.write(text)) return
    try {
      await Promise.race([once(this.#gzip, 'drain'), this.#done])
    } catch (error) {
      throw this.#error(error)
    }
  }

  #error(error: unknown): unknown {
    return fileErrorOf(error, 'written', this.#partial) ?? error
  }

  /** Durable under its name. `to`: behind the last offset that is in it, or would be. */
  async close(to: number): Promise<Segment> {
    this.#gzip.end()
    try {
      await this.#done
    } catch (error) {
      throw this.#error(error)
    }
    const file = join(this.#directory, this.#segment.file)
    putInPlace(this.#partial, file)
    return { ...this.#segment, to, records: this.#records, bytes: statSync(file).size, sha256: await digestOf(file) }
  }

  async abort(): Promise<void> {
    this.#gzip.destroy()
    await this.#done.catch(() => {})
    rmSync(this.#partial, { force: true })
  }
}

const ownName = /^(?:\d{15}\.jsonl\.gz(?:\..*)?|backup\.json\..*)$/

/** Removes what runs that were killed left: files with such names as are made here, which the manifest does not name. */
export function removeUnnamed(directory: string, { segments }: Taken): void {
  const named = new Set(segments.map(({ file }) => file))
  const folders = keptTopics
    .filter((topic) => existsSync(join(directory, topic)))
    .flatMap((topic) => readdirSync(join(directory, topic)).map((partition) => `${topic}/${partition}`))
  for (const folder of ['', ...folders]) {
    if (!statSync(join(directory, folder)).isDirectory()) continue
    for (const name of readdirSync(join(directory, folder)))
      if (ownName.test(name) && !named.has(folder === '' ? name : `${folder}/${name}`))
        rmSync(join(directory, folder, name), { force: true })
  }
}

/** Whether a file is as it was when it was written. Errors: BackupError. */
export async function proveFile(directory: string, segment: Segment): Promise<void> {
  const file = join(directory, segment.file)
  let sha256: string
  try {
    sha256 = await digestOf(file)
  } catch (cause) {
    throw damaged(file, (cause as Error).message, cause)
  }
  if (sha256 !== segment.sha256) throw damaged(file, 'its digest is not the one that was written down when it was made')
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
    for await (const text of readLines(file, { isPacked: true, onBytes: (bytes) => hash.update(bytes) })) {
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
  return new BackupError(
    `${file} of the backup cannot be used: ${what}; take the backup anew into another directory, or restore from another one`,
    { cause },
  )
}
