/** A receiver of webhooks on a real socket. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly path: string
  readonly body: string
  readonly response: ServerResponse
  readonly socket: Socket
}

/** `index` counts the requests from 0. */
export type Answerer = (received: Received, index: number) => void

export const status =
  (code: number, headers: Record<string, string> = {}): Answerer =>
  ({ response }) =>
    response.writeHead(code, headers).end()

/** One answer after the other; the last one for all that follow. */
export const oneAfterTheOther =
  (...answers: readonly Answerer[]): Answerer =>
  (received, index) =>
    answers[Math.min(index, answers.length - 1)]!(received, index)

export class Receiver implements AsyncDisposable {
  readonly received: Received[] = []
  readonly sockets = new Set<Socket>()
  connections = 0
  readonly #server: ReturnType<typeof createServer>
  readonly #scheme: string

  private constructor(answer: Answerer, tls: { key: string; cert: string } | undefined) {
    const handle = async (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = []
      // Who is cut off meanwhile has sent nothing.
      request.on('error', () => {})
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        const received = { headers: request.headers, path: request.url ?? '', body, response, socket: request.socket }
        this.received.push(received)
        answer(received, this.received.length - 1)
      })
    }
    this.#scheme = tls === undefined ? 'http' : 'https'
    this.#server = tls === undefined ? createServer(handle) : createSecureServer(tls, handle)
    this.#server.on('connection', (socket: Socket) => {
      this.connections++
      this.sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.sockets.delete(socket))
    })
  }

  static async open(answer: Answerer, tls?: { key: string; cert: string }): Promise<Receiver> {
    const receiver = new Receiver(answer, tls)
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  url(host = '127.0.0.1'): string {
    return `${this.#scheme}://${host}:${this.port}/hooks/token-in-the-path`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.sockets) socket.destroy()
    await closed
  }
}
