/** Server-sent events: how many may listen at a time, how a stream begins and ends, and that a slow reader is waited for. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { RequestRefused } from '@signalbox/http'
import type { FastifyReply, FastifyRequest } from 'fastify'

const heartbeatMs = 15_000
/** What may wait to be sent to one reader, before it is waited for. */
const maxBufferedBytes = 256 * 1024
const retryAfterSeconds = 5
const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' }

/** One reader's side of a stream. */
export interface Outlet {
  /** Aborted when the reader has gone, or the gateway closes. */
  readonly signal: AbortSignal
  /** Whether as much waits to be sent as may. */
  readonly isFull: boolean
  write(text: string): void
  /** Resolves once the reader has taken what was written, if much of it waits; and when it has gone. */
  drained(): Promise<void>
}

export class Streams {
  readonly #most: number
  readonly #closing: AbortSignal
  #open = 0

  /** `closing`: streams end when it is aborted. */
  constructor(most: number, closing: AbortSignal) {
    this.#most = most
    this.#closing = closing
  }

  get open(): number {
    return this.#open
  }

  /** Answers with a stream that `run` fills until it resolves. Throws RequestRefused where too many are open. */
  async serve(request: FastifyRequest, reply: FastifyReply, run: (outlet: Outlet) => Promise<void>): Promise<void> {
    // Who asks for the head alone is told of it, and gets no events.
    if (request.method === 'HEAD') return void (await reply.headers(headers).send())
    if (this.#open >= this.#most)
      throw new RequestRefused(
        'TOO_MANY_READERS',
        `${this.#open} streams are open, which is as many as this process serves; come again in ${retryAfterSeconds} s, or ask another gateway`,
        { headers: { 'retry-after': `${retryAfterSeconds}` } },
      )
    this.#open++
    reply.hijack()
    const response = reply.raw
    const gone = new AbortController()
    const stop = () => gone.abort('gone')
    response.on('close', stop)
    this.#closing.addEventListener('abort', stop, { once: true })
    if (response.destroyed || this.#closing.aborted) stop()
    const heartbeat = setInterval(() => response.writableLength < maxBufferedBytes && response.write(': alive\n\n'), heartbeatMs)
    try {
      response.writeHead(200, headers)
      response.write('retry: 1000\n\n')
      await run(outletOf(response, gone.signal))
    } catch (error) {
      if (!gone.signal.aborted) request.log.warn({ err: error }, 'a stream ended with an error')
    } finally {
      clearInterval(heartbeat)
      this.#closing.removeEventListener('abort', stop)
      response.end()
      this.#open--
    }
  }
}

function outletOf(response: ServerResponse, signal: AbortSignal): Outlet {
  return {
    signal,
    get isFull() {
      return response.writableLength >= maxBufferedBytes
    },
    write(text) {
      if (!signal.aborted) response.write(text)
    },
    async drained() {
      if (response.writableLength >= maxBufferedBytes && !signal.aborted) await once(response, 'drain', { signal }).catch(() => {})
    },
  }
}
