/** HTTP as bytes: what no client library sends. */
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends the text as it is, and reads until the server closes or has sent a whole answer. Null where it closed without one. */
export async function sendRaw(url: string, text: string | Uint8Array, patienceMs = 10_000): Promise<RawAnswer | null> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = ''
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => finish(() => reject(new Error(`no answer within ${patienceMs} ms; so far ${JSON.stringify(received)}`))),
      patienceMs,
    )
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      socket.destroy()
      settle()
    }
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1')
      const answer = whole(received)
      if (answer !== null) finish(() => resolve(answer))
    })
    socket.on('close', () => finish(() => resolve(received === '' ? null : parts(received))))
    socket.on('error', () => {})
    socket.write(text)
  })
}

function parts(text: string): RawAnswer {
  const [head, body = ''] = text.split('\r\n\r\n', 2) as [string, string?]
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), head, body }
}

function whole(text: string): RawAnswer | null {
  const length = /content-length: (\d+)/i.exec(text)?.[1]
  if (!text.includes('\r\n\r\n') || length === undefined) return null
  const answer = parts(text)
  return answer.body.length >= Number(length) ? answer : null
}

/** A request line with headers, one a line. */
export function raw(line: string, headers: readonly string[], body = ''): string {
  return `${[line, ...headers, 'connection: close'].join('\r\n')}\r\n\r\n${body}`
}
