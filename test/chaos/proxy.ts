/** A TCP proxy in front of each broker, which can cut a connection right before or after it has forwarded a request. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { apiKeyOf, correlationOfAnswer, correlationOfRequest, FrameSplitter } from './kafka-frames.ts'

export type CutKind =
  /** The broker never gets the request. */
  | 'lost-request'
  /** The broker has done what was asked; its answer is kept back, and the connection breaks. */
  | 'lost-answer'

/** Which request is meant. */
export interface RequestToCut {
  readonly apiKey: number
  /** Text that it holds, such as a transactional id. */
  readonly text: string
}

interface Cut extends RequestToCut {
  readonly kind: CutKind
  readonly happened: () => void
}

/** Which request is cut next, at whichever broker it comes by. */
export class CutSwitch {
  readonly #cuts = new Set<Cut>()

  /** Resolves to whether it happened before the signal was aborted. */
  arm(request: RequestToCut, kind: CutKind, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const cut: Cut = { ...request, kind, happened: () => resolve(true) }
      this.#cuts.add(cut)
      signal.addEventListener('abort', () => {
        this.#cuts.delete(cut)
        resolve(false)
      })
    })
  }

  /** The cut that this request meets. */
  take(request: Buffer): Cut | null {
    for (const cut of this.#cuts) {
      if (apiKeyOf(request) !== cut.apiKey || !request.includes(cut.text)) continue
      this.#cuts.delete(cut)
      return cut
    }
    return null
  }
}

export class BrokerProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** `HOST:PORT` of the broker; known once it has been started. */
  target: string | null = null

  private constructor(cuts: CutSwitch) {
    this.#server = createServer({ noDelay: true }, (client) => this.#serve(client, cuts))
  }

  static async listen(cuts: CutSwitch): Promise<BrokerProxy> {
    const proxy = new BrokerProxy(cuts)
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject)
      proxy.#server.listen(0, '127.0.0.1', resolve)
    })
    return proxy
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #serve(client: Socket, cuts: CutSwitch): void {
    if (this.target === null) {
      client.destroy()
      return
    }
    const [host, port] = this.target.split(':') as [string, string]
    const broker = connect({ host, port: Number(port), noDelay: true })
    const end = () => {
      for (const socket of [client, broker]) {
        socket.destroy()
        this.#sockets.delete(socket)
      }
    }
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.on('error', end)
      socket.on('close', end)
    }
    const requests = new FrameSplitter()
    const answers = new FrameSplitter()
    let awaited: { readonly correlation: number; readonly cut: Cut } | null = null
    client.on('data', (chunk: Buffer) => {
      for (const request of requests.push(chunk)) {
        const cut = cuts.take(request)
        if (cut?.kind === 'lost-request') {
          end()
          cut.happened()
          return
        }
        if (cut !== null) awaited = { correlation: correlationOfRequest(request), cut }
        forward(request, broker, client)
      }
    })
    broker.on('data', (chunk: Buffer) => {
      for (const answer of answers.push(chunk)) {
        if (awaited !== null && correlationOfAnswer(answer) === awaited.correlation) {
          end()
          awaited.cut.happened()
          return
        }
        forward(answer, client, broker)
      }
    })
  }
}

/** Writes on, and lets the sender wait while the receiver is behind. */
function forward(frame: Buffer, to: Socket, from: Socket): void {
  if (to.write(frame) || from.isPaused()) return
  from.pause()
  to.once('drain', () => from.resume())
}
