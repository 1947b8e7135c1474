import { connect, type Socket } from 'node:net'
import type { ISocketFactory } from 'kafkajs'

/** Numbers of Kafka's protocol for the requests that the tests disturb. */
export const API = { produce: 0, fetch: 1, initProducerId: 22, endTxn: 26 } as const

export type Fault =
  /** The connection breaks and the broker never sees the request. */
  | 'lost-request'
  /** The broker gets the request; the connection breaks before its answer arrives. */
  | 'lost-answer'

const API_KEY_AT = 4

/** Real connections to the real broker, one of which breaks when it is told to. */
export class FaultySockets {
  readonly sent: number[] = []
  /** While true, whatever is sent vanishes and every connection stays: a network that has gone quiet. */
  silent = false
  #fault: { readonly apiKey: number; readonly fault: Fault } | undefined

  /** The next request of this kind meets the fault. */
  break(apiKey: number, fault: Fault): void {
    this.#fault = { apiKey, fault }
  }

  get factory(): ISocketFactory {
    return ({ host, port, onConnect }) => {
      const socket = connect({ host, port }, onConnect)
      const write = socket.write.bind(socket)
      socket.write = ((data: Buffer, encoding?: BufferEncoding) => {
        const apiKey = data.readInt16BE(API_KEY_AT)
        this.sent.push(apiKey)
        if (this.silent) return true
        if (this.#fault?.apiKey !== apiKey) return write(data, encoding)
        const { fault } = this.#fault
        this.#fault = undefined
        return fault === 'lost-request' ? breakNow(socket) : loseAnswer(socket, () => write(data, encoding))
      }) as Socket['write']
      return socket
    }
  }
}

function breakNow(socket: Socket): boolean {
  socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  return false
}

function loseAnswer(socket: Socket, send: () => boolean): boolean {
  // The answer shows that the broker has done it; nobody else gets to see it.
  socket.removeAllListeners('data')
  socket.once('data', () => breakNow(socket))
  return send()
}
