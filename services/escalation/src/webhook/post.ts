/** One HTTP request to an address that has been checked, on a connection of its own, and nothing that the answer asks for. */
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { addressRefusal, type CheckedAddress } from './address-guard.ts'
import type { WebhookTarget } from './target.ts'

const headersLimitBytes = 16 * 1024
/** Of an answer's body so much is read, and none of it kept: who is cut off early may take it for a failure. */
const answerLimitBytes = 64 * 1024

export interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
  /** Resolves when the answer's body has been read, was cut at 64 KiB, or at the signal. Never rejects. */
  readonly drained: Promise<void>
}

export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/** How a request reaches its target: `post`, or what a simulator puts in its place. */
export type Post = typeof post

/**
 * Posts `body` to the target at one of `addresses` (which are all checked), and nowhere else: the name is not resolved
 * again, a redirect is an answer like any other, a proxy of the environment is not used. Resolves once the answer's head
 * is there; rejects when there will be none, or when `signal` is aborted before.
 */
export function post(
  target: WebhookTarget,
  addresses: readonly CheckedAddress[],
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isSecure = target.url.protocol === 'https:'
    const request = (isSecure ? secureRequest : plainRequest)({
      method: 'POST',
      protocol: target.url.protocol,
      // The lookup is asked for names only; an address in brackets is none for a socket.
      hostname: target.url.hostname.replace(/^\[|\]$/g, ''),
      port: target.url.port,
      path: `${target.url.pathname}${target.url.search}`,
      headers: { ...headers, 'content-length': body.length },
      agent: false,
      lookup: pinned(addresses),
      maxHeaderSize: headersLimitBytes,
      signal,
      ...(target.certificateAuthorities.length > 0 && { ca: [...target.certificateAuthorities] }),
    })
    let isAnswered = false
    request.on('error', reject)
    request.once('close', () => {
      if (!isAnswered) reject(new Error('the connection ended without an answer'))
    })
    request.once('socket', (socket) => {
      // Nothing of the request is written before this: what counts is where the socket has really gone.
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        const refusal = addressRefusal(socket.remoteAddress ?? '', target.allowPrivate)
        if (refusal === null) request.end(body)
        else
          request.destroy(
            new AddressRefused(
              `the connection went to ${socket.remoteAddress}, which ${refusal}; look at who translates addresses on the way`,
            ),
          )
      })
    })
    request.once('response', (response) => {
      isAnswered = true
      const drained = drain(response).then(() => void request.destroy())
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], drained })
    })
  })
}

/** Resolves when the body has ended, was cut off, or is longer than anybody needs. */
function drain(response: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > answerLimitBytes) resolve()
    })
    response.once('error', () => resolve())
    response.once('close', () => resolve())
  })
}

function pinned(addresses: readonly CheckedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses
    if (first === undefined) callback(new Error('there is no address to connect to'), [])
    else if (options.all === true) callback(null, [...addresses])
    else callback(null, first.address, first.family)
  }
}
