/** Bounds of connections: nobody holds one for nothing. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Problem } from '@signalbox/contract'

export interface ConnectionBounds {
  /** From the first byte of a connection or request to the end of its headers. */
  readonly headersTimeoutMs: number
  /** From the first byte of a request to the end of its body. Answers may take longer. */
  readonly requestTimeoutMs: number
  /** How long a connection may lie idle between two requests. */
  readonly keepAliveTimeoutMs: number
  /** How often connections are looked at. */
  readonly checkEveryMs: number
  /** Of one server; further ones are closed at once. */
  readonly connections: number
}

export const connectionBounds: ConnectionBounds = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 72_000,
  checkEveryMs: 1_000,
  connections: 8_192,
}

const answers: Readonly<Record<string, readonly [status: string, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'the headers or the body of the request did not come in time; send the request at once',
  ],
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'the address and headers have more than the 16 KiB of the limit; send less of them',
  ],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'the body has too many chunk extensions; send it without'],
}
const malformed = ['400 Bad Request', 'this is no HTTP request; see RFC 9112'] as const

/** What cannot be read as a request is told so, and its connection ends. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  const answering = (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage
  // In the middle of an answer, another one would be taken for a part of it.
  if (socket.writable && error.code !== 'ECONNRESET' && answering?.headersSent !== true) {
    const [status, message] = answers[error.code ?? ''] ?? malformed
    const body = JSON.stringify({ code: 'REQUEST_MALFORMED', message } satisfies Problem)
    socket.write(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroySoon()
}
