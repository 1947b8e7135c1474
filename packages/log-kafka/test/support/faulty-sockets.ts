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
  answersFailed = 0
  #failed: { readonly topic: string; readonly code: number } | undefined
  #fault: { readonly apiKey: number; readonly fault: Fault } | undefined

  /** The next request of this kind meets the fault. */
  break(apiKey: number, fault: Fault): void {
    this.#fault = { apiKey, fault }
  }

  /** The next answer about the topic, one to a fetch or an append, says that it failed of this. */
  failNextAnswer(topic: string, code: number): void {
    this.#failed = { topic, code }
  }

  get factory(): ISocketFactory {
    return ({ host, port, onConnect }) => {
      const socket = connect({ host, port }, onConnect)
      // The first to see an answer; whoever listens later sees what is in the buffer then.
      socket.on('data', (data: Buffer) => this.#spoil(data))
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

  #spoil(data: Buffer): void {
    const failed = this.#failed
    const at = failed === undefined ? -1 : data.indexOf(failed.topic)
    if (failed === undefined || at < 0) return
    this.#failed = undefined
    this.answersFailed++
    // Behind the topic's name: how many partitions there are, the first one's number, then its error.
    data.writeInt16BE(failed.code, at + failed.topic.length + 8)
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
