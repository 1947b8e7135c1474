/**
 * For whom a server answers: the host that a request names, and the web page that it comes from. A page of a stranger in somebody's
 * browser reaches every server that the browser reaches; with a name of its own that leads there (DNS rebinding), it may read the answers.
 */
import type { FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import { RequestRefused } from './problems.ts'

const maxQuoted = 100
const maxKnown = 100

/** The name in a Host header or a listed host: lower case, without port and trailing dot; null for what is none. */
export function hostNameOf(authority: string): string | null {
  if (!/^[^\s/?#@\\,]+$/.test(authority)) return null
  try {
    return new URL(`http://${authority}`).hostname.replace(/\.$/, '')
  } catch {
    return null
  }
}

/** Whether a text names a host alone: no scheme, no port, no pattern. */
export function isHostName(text: string): boolean {
  return !text.includes('*') && !/:\d*$/.test(text.replace(/\[.*\]/, '')) && (hostNameOf(text) ?? '') !== ''
}

function addressOf(name: string): string | null {
  const text = name.replace(/^\[|\]$/g, '')
  // An IPv4 address in an IPv6 one is that address.
  return ipaddr.isValid(text) ? ipaddr.process(text).toString() : null
}

function isLoopbackName(name: string): boolean {
  const address = addressOf(name)
  return name === 'localhost' || (address !== null && ipaddr.parse(address).range() === 'loopback')
}

export class HostGuard {
  readonly #listed = new Set<string>()
  /** Hosts that were found to be ours, so that they are not looked through with each request. */
  readonly #known = new Set<string>()

  /** Names that lead to this server besides those of loopback. Throws RangeError for what is no name of a host. */
  allow(names: readonly string[]): void {
    for (const name of names) {
      if (!isHostName(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a host; list it without scheme and port`)
      this.#listed.add(hostNameOf(name)!)
    }
  }

  /** Throws RequestRefused for a request that names a host, or comes from a page, that is not of this server. */
  check({ headers, raw, socket }: FastifyRequest): void {
    if (hostsIn(raw.rawHeaders) > 1) throw new RequestRefused('REQUEST_MALFORMED', 'the request has more than one Host header; send one')
    if (headers.host !== undefined) this.#checkHost(headers.host, socket?.localAddress)
    // A proxy's form of a request names the host a second time.
    const url = raw.url ?? ''
    const target = url.startsWith('/') ? null : /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)
    if (target !== null) this.#checkHost(target[1]!, socket?.localAddress)
    if (headers.origin !== undefined) this.#checkOrigin(headers.origin, socket?.localAddress)
    if (
      String(headers['sec-fetch-site'] ?? '')
        .toLowerCase()
        .includes('cross-site')
    )
      throw new RequestRefused(
        'ORIGIN_NOT_ALLOWED',
        'a browser sent this request for a page of another site, and such a page may neither read nor act here; open the address itself, or ask from a program that is no browser',
      )
  }

  #checkHost(host: string, localAddress: string | undefined): void {
    const key = `${host} ${localAddress}`
    if (this.#known.has(key)) return
    const name = hostNameOf(host)
    if (name !== null && this.#isOurs(name, localAddress)) {
      if (this.#known.size < maxKnown) this.#known.add(key)
      return
    }
    throw new RequestRefused('HOST_NOT_ALLOWED', `the request is for the host ${quoted(host)}, ${this.#wayOut(name ?? 'NAME')}`)
  }

  #checkOrigin(origin: string, localAddress: string | undefined): void {
    const name = hostNameOf(/^https?:\/\/(.*)$/i.exec(origin)?.[1] ?? '')
    if (name !== null && this.#isOurs(name, localAddress)) return
    throw new RequestRefused('ORIGIN_NOT_ALLOWED', `the request comes from a page of ${quoted(origin)}, ${this.#wayOut(name ?? 'NAME')}`)
  }

  #isOurs(name: string, localAddress: string | undefined): boolean {
    if (isLoopbackName(name) || this.#listed.has(name)) return true
    // The address that the connection came to: no other name can hide behind an address. So probes reach a container by its own.
    const address = addressOf(name)
    return address !== null && localAddress !== undefined && address === addressOf(localAddress)
  }

  #wayOut(name: string): string {
    const ours = ['localhost', '127.0.0.1', '[::1]', ...this.#listed].join(', ')
    return `and this server answers for ${ours}; where that name is meant to lead here (through a proxy, say), list it with --allowed-host ${name.slice(0, maxQuoted)} or SIGNALBOX_ALLOWED_HOSTS`
  }
}

function hostsIn(rawHeaders: readonly string[]): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
}

function quoted(text: string): string {
  return JSON.stringify(text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text)
}
