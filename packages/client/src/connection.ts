/** The connections of one client to its gateway: direct, or through the proxy that the environment names. */
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { type GatewayAddress, readGatewayAddress } from './address.ts'
import { ClientError } from './errors.ts'

const maxConnections = 16
const bounds = { headersTimeout: 0, bodyTimeout: 0, connectTimeout: 5_000, pipelining: 1, connections: maxConnections }

/** Sent with every request; a function is asked each time, for a token that grows old. */
export type HeadersOption =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

export interface GatewayRequest {
  readonly method: 'GET' | 'POST'
  /** As the gateway knows it, beginning with `/v1`. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  /** How long nothing may come; left out: as long as the signal lets it. */
  readonly silenceMs?: number
}

export class Connection {
  readonly address: GatewayAddress
  readonly #dispatcher: Dispatcher
  readonly #headers: HeadersOption

  /** Throws ClientError UNREACHABLE for an address that is none, of the gateway or of a proxy. */
  constructor(url: string, headers: HeadersOption = {}) {
    this.address = readGatewayAddress(url)
    this.#headers = headers
    this.#dispatcher = dispatcherFor(this.address)
  }

  async request({ body, headers, method, path, signal, silenceMs }: GatewayRequest): Promise<Dispatcher.ResponseData> {
    const { authorization, origin, prefix } = this.address
    const given = typeof this.#headers === 'function' ? await this.#headers() : this.#headers
    return await this.#dispatcher.request({
      origin,
      method,
      path: `${prefix}${path}`,
      headers: { ...(authorization === null ? {} : { authorization }), ...lowerCased(given), ...headers },
      body: body ?? null,
      signal,
      ...(silenceMs === undefined ? {} : { headersTimeout: silenceMs, bodyTimeout: silenceMs }),
    })
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy()
  }
}

/** What listens on this machine is reached directly, whatever proxy the environment names. */
function dispatcherFor({ isLoopback, origin }: GatewayAddress): Dispatcher {
  // A variable that is empty, or holds spaces alone, means what an unset one does.
  const given = (...names: readonly string[]) => names.map((name) => process.env[name]?.trim() ?? '').find((value) => value !== '') ?? ''
  const [httpProxy, httpsProxy] = [given('http_proxy', 'HTTP_PROXY'), given('https_proxy', 'HTTPS_PROXY')]
  if (isLoopback || (httpProxy === '' && httpsProxy === '')) return new Pool(origin, bounds)
  try {
    return new EnvHttpProxyAgent({ ...bounds, httpProxy, httpsProxy })
  } catch (cause) {
    throw new ClientError(
      'UNREACHABLE',
      'HTTP_PROXY or HTTPS_PROXY is no address of a proxy; give one like http://proxy.example.com:3128, or unset it',
      { cause },
    )
  }
}

/** A header of one name is sent once, however its name is written. */
function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
