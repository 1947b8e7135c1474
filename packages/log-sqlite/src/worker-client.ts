import { Worker } from 'node:worker_threads'
import { LogError } from '@signalbox/log'
import type { ChunkToWrite, Request, Response, WorkerSettings } from './protocol.ts'
import { fromMessage } from './sqlite-errors.ts'

export type Opened = Extract<Response, { readonly kind: 'opened' }>

export interface WriteObserver {
  /** The oldest write that is under way is durable. Its buffers are free again. */
  written(storages: readonly ArrayBuffer[]): void
  /** The oldest write that is under way failed, and every later one will. */
  failed(error: LogError): void
}

export type Found = Pick<Extract<Response, { readonly kind: 'found' }>, 'offset' | 'since'>

interface PendingRead {
  resolve(answer: readonly Uint8Array[] | Found | undefined): void
  reject(error: LogError): void
}

/** The main thread's side of the worker. */
export class WorkerClient {
  readonly opened: Opened
  readonly #worker: Worker
  readonly #reads = new Map<number, PendingRead>()
  readonly #exited: Promise<void>
  #observer: WriteObserver | undefined
  #lastReadId = 0
  #gone: LogError | undefined

  private constructor(worker: Worker, opened: Opened) {
    this.#worker = worker
    this.opened = opened
    worker.on('message', (response: Response) => this.#receive(response))
    worker.on('error', (error) => this.#lose(error))
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#lose(undefined)
        resolve()
      })
    })
  }

  /** Starts a worker and waits until it has opened the file. Errors: OWNED, CORRUPT, MISCONFIGURED, FULL, TRANSIENT. */
  static async open(settings: WorkerSettings, timeoutMs: number): Promise<WorkerClient> {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), { workerData: settings, name: 'signalbox-log-sqlite' })
    const response = await firstResponse(worker, settings.directory, timeoutMs)
    if (response.kind === 'opened') return new WorkerClient(worker, response)
    await worker.terminate()
    if (response.kind === 'refused') throw fromMessage(response.error)
    throw new Error(`The log's worker said ${response.kind} before it had opened the file.`)
  }

  observe(observer: WriteObserver): void {
    this.#observer = observer
  }

  write(chunks: readonly ChunkToWrite[]): void {
    this.#post(
      { kind: 'write', chunks },
      chunks.map(({ storage }) => storage),
    )
  }

  read(topic: number, partition: number, fromOffset: number, maxBytes: number): Promise<readonly Uint8Array[]> {
    return this.#ask((id) => ({ kind: 'read', id, topic, partition, fromOffset, maxBytes })) as Promise<readonly Uint8Array[]>
  }

  find(partition: number, key: string, before: number): Promise<Found> {
    return this.#ask((id) => ({ kind: 'find', id, partition, key, before })) as Promise<Found>
  }

  async prove(partition: number): Promise<void> {
    await this.#ask((id) => ({ kind: 'prove', id, partition }))
  }

  #ask(request: (id: number) => Request): Promise<readonly Uint8Array[] | Found | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) return reject(this.#gone)
      const id = ++this.#lastReadId
      this.#reads.set(id, { resolve, reject })
      this.#post(request(id))
    })
  }

  /** Lets the worker close the file, and ends it by force when that takes longer than the timeout. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#gone === undefined) this.#post({ kind: 'close' })
    const timer = setTimeout(() => void this.#worker.terminate(), timeoutMs)
    await this.#exited
    clearTimeout(timer)
  }

  #post(request: Request, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer)
  }

  #receive(response: Response): void {
    switch (response.kind) {
      case 'written':
        this.#observer?.written(response.storages)
        return
      case 'failed':
        this.#observer?.failed(fromMessage(response.error))
        return
      case 'chunks':
        this.#reads.get(response.id)?.resolve(response.chunks)
        this.#reads.delete(response.id)
        return
      case 'found':
        this.#reads.get(response.id)?.resolve({ offset: response.offset, since: response.since })
        this.#reads.delete(response.id)
        return
      case 'proved':
        this.#reads.get(response.id)?.resolve(undefined)
        this.#reads.delete(response.id)
        return
      case 'unreadable':
        this.#reads.get(response.id)?.reject(fromMessage(response.error))
        this.#reads.delete(response.id)
        return
      default:
        return
    }
  }

  #lose(cause: unknown): void {
    if (this.#gone !== undefined) return
    this.#gone = new LogError('OUTCOME_UNKNOWN', 'The worker that writes the log has ended. Open the log again and read what is there.', {
      cause,
    })
    for (const { reject } of this.#reads.values()) reject(this.#gone)
    this.#reads.clear()
    this.#observer?.failed(this.#gone)
  }
}

function firstResponse(worker: Worker, directory: string, timeoutMs: number): Promise<Response> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      void worker.terminate()
      finish(() => reject(new LogError('TRANSIENT', `Opening the log in ${directory} took longer than ${timeoutMs} ms. Try again.`)))
    }, timeoutMs)
    const received = (response: Response) => finish(() => resolve(response))
    const failed = (error: Error) => finish(() => reject(error))
    worker.on('message', received)
    worker.on('error', failed)
    function finish(settle: () => void) {
      clearTimeout(timer)
      worker.off('message', received)
      worker.off('error', failed)
      settle()
    }
  })
}
