/** The address of a gateway as people write it: with a path that a proxy knows it by, and with a user and password for that proxy. */
import { ClientError } from './errors.ts'

export interface GatewayAddress {
  readonly origin: string
  /** Before every path of the gateway; empty where there is none. */
  readonly prefix: string
  /** For the header `authorization`; null where the address names nobody. */
  readonly authorization: string | null
  /** For messages: without the password. */
  readonly text: string
  readonly isLoopback: boolean
}

/** Throws ClientError UNREACHABLE for what is no address of a gateway. */
export function readGatewayAddress(text: string): GatewayAddress {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw noAddress(hidden(text), { cause })
  }
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.search !== '' || url.hash !== '') throw noAddress(hidden(text))
  const { hostname, origin, password, username } = url
  const prefix = url.pathname.replace(/\/+$/, '')
  const credentials = `${decoded(username, text)}:${decoded(password, text)}`
  return {
    origin,
    prefix,
    authorization: username === '' && password === '' ? null : `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`,
    text: `${origin}${prefix}`,
    isLoopback: hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname),
  }
}

function decoded(part: string, text: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw noAddress(hidden(text), { cause })
  }
}

/** An address for messages: whatever stands in it, no password does. */
export function addressText(text: string): string {
  try {
    return readGatewayAddress(text).text
  } catch {
    return hidden(text)
  }
}

function hidden(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//')
}

function noAddress(text: string, options: { cause?: unknown } = {}): ClientError {
  return new ClientError(
    'UNREACHABLE',
    `${JSON.stringify(text)} is no address of a gateway; give one like http://127.0.0.1:7070 or https://user:password@example.com/signalbox`,
    options,
  )
}
