/** Connections of a sequencer to the brokers that pass the named points of each request. */
import { connect, type Socket } from 'node:net'
import { API_KEYS, apiKeyOf, correlationOfAnswer, correlationOfRequest, FrameSplitter } from './kafka-frames.ts'
import type { CrashSwitch, Request } from './points.ts'

const requestOf = new Map<number, Request>([
  [API_KEYS.Produce, 'Produce'],
  [API_KEYS.AddPartitionsToTxn, 'AddPartitionsToTxn'],
  [API_KEYS.EndTxn, 'EndTxn'],
  [API_KEYS.InitProducerId, 'InitProducerId'],
  [API_KEYS.FindCoordinator, 'FindCoordinator'],
  [API_KEYS.ListOffsets, 'ListOffsets'],
  [API_KEYS.JoinGroup, 'JoinGroup'],
  [API_KEYS.SyncGroup, 'SyncGroup'],
  [API_KEYS.Heartbeat, 'Heartbeat'],
  [API_KEYS.LeaveGroup, 'LeaveGroup'],
])

interface SocketOptions {
  readonly host: string
  readonly port: number
  readonly onConnect: () => void
}

const CLIENT_ID_AT = 12

/** Makes kafkajs's connections. `change` may rewrite a request on its way, its length unchanged. */
export function pointedSockets(crash: CrashSwitch, change: (request: Buffer) => void): (options: SocketOptions) => Socket {
  return ({ host, port, onConnect }) => {
    const socket = connect({ host, port }, onConnect)
    const waiting = new Map<number, Request>()
    const answers = new FrameSplitter()
    socket.on('data', (chunk: Buffer) => {
      for (const answer of answers.push(chunk)) {
        const request = waiting.get(correlationOfAnswer(answer))
        if (request === undefined) continue
        waiting.delete(correlationOfAnswer(answer))
        crash.pass(`${request}:answered`)
      }
    })
    const write = socket.write.bind(socket)
    socket.write = ((data: Buffer, encoding?: BufferEncoding) => {
      const request = isReadableFetch(data) ? 'UntilReadable' : requestOf.get(apiKeyOf(data))
      change(data)
      if (request === undefined) return write(data, encoding)
      waiting.set(correlationOfRequest(data), request)
      crash.pass(`${request}:unsent`)
      const flushed = write(data, encoding)
      crash.pass(`${request}:sent`)
      return flushed
    }) as Socket['write']
    return socket
  }
}

/** The fetch that waits for a batch to become readable asks for one byte, which no reader of records does. */
function isReadableFetch(request: Buffer): boolean {
  if (apiKeyOf(request) !== API_KEYS.Fetch) return false
  // Length, key, version, correlation id; then the client's id with its length, -1 for none.
  const body = CLIENT_ID_AT + 2 + Math.max(0, request.readInt16BE(CLIENT_ID_AT))
  // Replica id, longest wait, least bytes, most bytes.
  return request.readInt32BE(body + 12) === 1
}
