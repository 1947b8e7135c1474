import { connect, createServer, type Socket } from 'node:net'

export interface LyingRelay {
  readonly address: string
  close(): Promise<void>
}

/**
 * Passes everything on to a real broker at 127.0.0.1 and back, except that where the broker names its own port, the answer
 * has another one: to its clients, the broker's advertised listener is wrong.
 */
export async function startLyingRelay(brokerPort: number, advertisedPort: number): Promise<LyingRelay> {
  const host = Buffer.from('127.0.0.1')
  const named = (port: number) => Buffer.concat([host, int32(port)])
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const broker = connect({ host: '127.0.0.1', port: brokerPort })
    for (const [socket, other] of [[client, broker] as const, [broker, client] as const]) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => broker.write(chunk))
    broker.on('data', (chunk: Buffer) => {
      const at = chunk.indexOf(named(brokerPort))
      if (at >= 0) named(advertisedPort).copy(chunk, at)
      client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a listening TCP server has no port')
  return {
    address: `127.0.0.1:${address.port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
