/** The gateway over HTTP, on connections of its own: one, and more only while a request waits for its decision. */
import {
  type Decision,
  type ExplanationJson,
  type Intent,
  type Invalidation,
  intentToJson,
  type Observation,
  type Problem,
  type Read,
} from '@signalbox/contract'
import { Pool } from 'undici'
import type { Coordinator, SubmitOptions } from './coordinator.ts'
import { ClientError } from './errors.ts'
import { watchOverHttp } from './watch.ts'

const attempts = 5
const firstRetryMs = 50
const maxConnections = 16
// What a request may take beside the time that the gateway was asked to wait.
const marginMs = 15_000

// Failures of the connection, after which the same request may go through. Every request here is safe to repeat.
const transient: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
])

export interface HttpOptions {
  /** How often a request whose connection failed is tried in all. Default 5, over about a second. */
  readonly attempts?: number
}

export class HttpCoordinator implements Coordinator {
  readonly #url: string
  readonly #pool: Pool
  readonly #closing = new AbortController()
  readonly #attempts: number

  constructor(url: string, options: HttpOptions = {}) {
    let origin: string
    try {
      origin = new URL(url).origin
    } catch (cause) {
      throw new ClientError('UNREACHABLE', `${JSON.stringify(url)} is no address of a gateway; give one like http://127.0.0.1:7070`, {
        cause,
      })
    }
    this.#url = origin
    this.#attempts = options.attempts ?? attempts
    this.#pool = new Pool(origin, { headersTimeout: 0, bodyTimeout: 0, connectTimeout: 5_000, pipelining: 1, connections: maxConnections })
  }

  async submit(intent: Intent, { headers, waitMs }: SubmitOptions): Promise<Decision | null> {
    const { body, status } = await this.request('POST', `/v1/intents?waitMs=${waitMs}`, waitMs, intentToJson(intent), headers)
    return status === 202 ? null : (body as Decision)
  }

  async decision(intentId: string, { waitMs = 0 }: { readonly waitMs?: number } = {}): Promise<Decision | null> {
    const { body, status } = await this.request('GET', `/v1/intents/${encodeURIComponent(intentId)}?waitMs=${waitMs}`, waitMs)
    return status === 404 ? null : (body as Decision)
  }

  async dryRun(intent: Intent): Promise<ExplanationJson> {
    return (await this.request('POST', '/v1/intents/dry-run', 0, intentToJson(intent))).body as ExplanationJson
  }

  async observe(
    scope: string,
    resources: readonly string[],
    options: { readonly atLeast?: number; readonly waitMs?: number } = {},
  ): Promise<Observation | null> {
    const query = new URLSearchParams([
      ['scope', scope] as [string, string],
      ...resources.map((resource): [string, string] => ['resource', resource]),
    ])
    if (options.atLeast !== undefined) query.set('atLeast', `${options.atLeast}`)
    if (options.waitMs !== undefined) query.set('waitMs', `${options.waitMs}`)
    const { body, status } = await this.request('GET', `/v1/observe?${query}`, options.waitMs ?? 0)
    return status === 202 ? null : (body as Observation)
  }

  watch(scope: string, reads: readonly Read[], { signal }: { readonly signal: AbortSignal }): AsyncIterable<Invalidation> {
    return watchOverHttp(this.#url, scope, reads, AbortSignal.any([signal, this.#closing.signal]))
  }

  async close(): Promise<void> {
    this.#closing.abort('closed')
    await this.#pool.destroy()
  }

  /** One request, repeated while the connection fails. 404 and 202 are answers; other refusals throw REFUSED. */
  async request(
    method: 'GET' | 'POST',
    path: string,
    waitMs: number,
    json?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; body: unknown }> {
    for (let attempt = 1, retryMs = firstRetryMs; ; attempt++, retryMs *= 2) {
      try {
        return await this.#once(method, path, waitMs, json, headers)
      } catch (error) {
        if (error instanceof ClientError) throw error
        const code = (error as { code?: string }).code ?? ''
        if (transient.has(code) && attempt < this.#attempts) {
          await new Promise((resolve) => setTimeout(resolve, retryMs))
          continue
        }
        if ((error as Error).name === 'TimeoutError')
          throw new ClientError(
            'TIMED_OUT',
            `${this.#url} did not answer ${method} ${path} within ${waitMs + marginMs} ms; the same request may be sent again`,
            { cause: error },
          )
        throw new ClientError(
          'UNREACHABLE',
          `no gateway answers at ${this.#url} (${code || (error as Error).message}); start one with signalbox up, or name another with --url or SIGNALBOX_URL`,
          { cause: error },
        )
      }
    }
  }

  async #once(
    method: 'GET' | 'POST',
    path: string,
    waitMs: number,
    json: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ status: number; body: unknown }> {
    const answer = await this.#pool.request({
      method,
      path,
      headers: json === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: json === undefined ? null : JSON.stringify(json),
      signal: AbortSignal.timeout(waitMs + marginMs),
    })
    const text = await answer.body.text()
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch (cause) {
      throw new ClientError(
        'PROTOCOL',
        `${this.#url} answered ${method} ${path} with ${answer.statusCode} and no JSON; is it a Signalbox gateway?`,
        { cause },
      )
    }
    if (answer.statusCode < 300 || answer.statusCode === 404) return { status: answer.statusCode, body }
    const { code, message } = body as Problem
    throw new ClientError('REFUSED', message ?? `${this.#url} refused ${method} ${path} with ${answer.statusCode}`, {
      problem: code ?? 'INTERNAL',
    })
  }
}
