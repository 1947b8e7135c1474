import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** What is found behind an address. */
export type Finding =
  /** Nobody answers; `code` is Node's: ECONNREFUSED, ENOTFOUND, ETIMEDOUT and the like. */
  | { readonly kind: 'unreachable'; readonly code: string }
  /** A Kafka listener. `mechanisms` are the logins that it takes; null where it takes none. */
  | { readonly kind: 'kafka'; readonly tls: boolean; readonly mechanisms: readonly string[] | null }
  /** It speaks TLS, and its certificate is not one that this client trusts. */
  | { readonly kind: 'certificate'; readonly code: string; readonly detail: string }
  | { readonly kind: 'no kafka' }

const SASL_HANDSHAKE = 17
const SASL_HANDSHAKE_VERSION = 1
const ILLEGAL_SASL_STATE = 34
const LARGEST_ANSWER_BYTES = 4096
const CERTIFICATE_CODE = /CERT|SELF_SIGNED|UNABLE_TO|ISSUER|HOSTNAME|ALTNAME/

/** Asks what listens at HOST:PORT, as this client would and otherwise. Bounded by `timeoutMs` for each of at most three attempts. */
export async function probe(address: string, ssl: boolean | ConnectionOptions | undefined, timeoutMs: number): Promise<Finding> {
  const [host, port] = address.split(':') as [string, string]
  const target = { host, port: Number(port) }
  const plain = await greet(() => connectTcp(target), 'connect', timeoutMs)
  if (plain.kind === 'unreachable') return plain
  if (plain.kind === 'kafka') return { ...plain, tls: false }
  const options = typeof ssl === 'object' ? ssl : {}
  const name = isIP(host) === 0 ? { servername: host } : {}
  const encrypted = await greet(() => connectTls({ ...target, ...name, ...options }), 'secureConnect', timeoutMs)
  if (encrypted.kind === 'kafka') return { ...encrypted, tls: true }
  if (encrypted.kind === 'unreachable' && CERTIFICATE_CODE.test(encrypted.code))
    return { kind: 'certificate', code: encrypted.code, detail: encrypted.detail }
  return { kind: 'no kafka' }
}

/** Whether somebody takes connections at HOST:PORT: null, or Node's code of why not. */
export async function unreachable(address: string, timeoutMs: number): Promise<string | null> {
  const [host, port] = address.split(':') as [string, string]
  const answer = await greet(() => connectTcp({ host, port: Number(port) }), 'connect', timeoutMs, false)
  return answer.kind === 'unreachable' ? answer.code : null
}

type Greeting =
  | { readonly kind: 'unreachable'; readonly code: string; readonly detail: string }
  | { readonly kind: 'kafka'; readonly mechanisms: readonly string[] | null }
  | { readonly kind: 'other' }

/** Connects and, unless told not to, asks for a login of no known kind: the answer tells a listener with SASL from one without. */
function greet(open: () => Socket, connected: 'connect' | 'secureConnect', timeoutMs: number, ask = true): Promise<Greeting> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    let isConnected = false
    const socket = open()
    const finish = (greeting: Greeting) => {
      clearTimeout(timer)
      // It may still fail after this, which is of no interest.
      socket.removeAllListeners().on('error', () => undefined)
      socket.destroy()
      resolve(greeting)
    }
    const failed = (code: string, detail: string) => finish(isConnected ? { kind: 'other' } : { kind: 'unreachable', code, detail })
    const timer = setTimeout(() => failed('ETIMEDOUT', 'no answer'), timeoutMs)
    socket.once(connected, () => {
      isConnected = true
      if (ask) socket.write(handshake())
      else finish({ kind: 'other' })
    })
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const greeting = readHandshake(received)
      if (greeting !== undefined) finish(greeting)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => failed(error.code ?? 'ERROR', error.message))
    socket.once('close', () => failed('ECONNRESET', 'closed'))
  })
}

function handshake(): Buffer {
  const client = Buffer.from('signalbox')
  const mechanism = Buffer.from('?')
  const body = Buffer.alloc(10 + client.length + 2 + mechanism.length)
  body.writeInt16BE(SASL_HANDSHAKE, 0)
  body.writeInt16BE(SASL_HANDSHAKE_VERSION, 2)
  body.writeInt32BE(1, 4)
  body.writeInt16BE(client.length, 8)
  client.copy(body, 10)
  body.writeInt16BE(mechanism.length, 10 + client.length)
  mechanism.copy(body, 12 + client.length)
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** Undefined while more is to come. */
function readHandshake(bytes: Buffer): Greeting | undefined {
  if (bytes.length < 4) return undefined
  const size = bytes.readInt32BE(0)
  // Anything else that answers: HTTP, an alert of TLS.
  if (size < 10 || size > LARGEST_ANSWER_BYTES) return { kind: 'other' }
  if (bytes.length < 4 + size) return undefined
  if (bytes.readInt32BE(4) !== 1) return { kind: 'other' }
  if (bytes.readInt16BE(8) === ILLEGAL_SASL_STATE) return { kind: 'kafka', mechanisms: null }
  const mechanisms: string[] = []
  let at = 14
  for (let left = bytes.readInt32BE(10); left > 0 && at + 2 <= bytes.length; left--) {
    const length = bytes.readInt16BE(at)
    mechanisms.push(bytes.toString('latin1', at + 2, at + 2 + length))
    at += 2 + length
  }
  return { kind: 'kafka', mechanisms }
}
