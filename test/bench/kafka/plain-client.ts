import { connect, type Socket } from 'node:net'
import kafkajs, { type Kafka } from 'kafkajs'

export interface PlainClient {
  readonly kafka: Kafka
  /** After everything was disconnected. */
  close(): void
}

/** kafkajs as it is. Now and then it keeps a connection that nobody uses, which would keep the process. */
export function plainClient(brokers: string, clientId: string): PlainClient {
  const sockets = new Set<Socket>()
  const kafka = new kafkajs.Kafka({
    brokers: brokers.split(','),
    clientId,
    logLevel: kafkajs.logLevel.NOTHING,
    socketFactory: ({ host, onConnect, port }) => {
      const socket = connect({ host, port }, onConnect)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
  })
  return {
    kafka,
    close() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
