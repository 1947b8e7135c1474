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
import { Connection, type HeadersOption } from './connection.ts'
import type { Coordinator, SubmitOptions } from './coordinator.ts'
import { ClientError } from './errors.ts'
import { delayMs, isPassingCode, isPassingStatus, pause, retryAfterMs } from './retry.ts'
import { watchOverHttp } from './watch.ts'

const attempts = 5
// What a request may take beside the time that the gateway was asked to wait.
const marginMs = 15_000
/** For as long, or for as long as its caller waits, a request is sent again that somebody was too busy for. */
const patienceMs = 3_000

export interface HttpOptions {
  /** How often a request is tried in all while nobody listens at the address. Default 5, over about a second. */
  readonly attempts?: number
  /** Sent with every request, to a proxy that wants to know who asks, say. A function is asked each time. */
  readonly headers?: HeadersOption
}

/** What became of one attempt. */
type Outcome =
  | { readonly status: number; readonly body: unknown }
  | { readonly failure: ClientError; readonly afterMs: number; readonly isRefused: boolean }

export class HttpCoordinator implements Coordinator {
  readonly #connection: Connection
  readonly #closing = new AbortController()
  readonly #attempts: number

  /** Throws ClientError UNREACHABLE for what is no address of a gateway. */
  constructor(url: string, options: HttpOptions = {}) {
    this.#connection = new Connection(url, options.headers)
    this.#attempts = options.attempts ?? attempts
  }

  async submit(intent: Intent, { headers, waitMs }: SubmitOptions): Promise<Decision | null> {
    const path = (leftMs: number) => `/v1/intents?waitMs=${leftMs}`
    const { body, status } = await this.#request('POST', path, waitMs, intentToJson(intent), headers)
    return status === 202 ? null : (body as Decision)
  }

  async decision(intentId: string, { waitMs = 0 }: { readonly waitMs?: number } = {}): Promise<Decision | null> {
    const path = (leftMs: number) => `/v1/intents/${encodeURIComponent(intentId)}?waitMs=${leftMs}`
    const { body, status } = await this.#request('GET', path, waitMs)
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
    return watchOverHttp(this.#connection, scope, reads, AbortSignal.any([signal, this.#closing.signal]))
  }

  /** The bytes of a stream, from a path that begins with `/v1`. Throws ClientError. */
  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { address } = this.#connection
    try {
      const answer = await this.#connection.request({ method: 'GET', path, headers: { accept: 'text/event-stream' }, signal })
      if (answer.statusCode === 200) return answer.body
      throw refusal(address.text, `GET ${path}`, answer.statusCode, await answer.body.text())
    } catch (error) {
      throw error instanceof ClientError || signal.aborted ? error : unreachable(address.text, error)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort('closed')
    await this.#connection.close()
  }

  /** One request, repeated while somebody on the way is too busy for it. 404 and 202 are answers; other refusals throw REFUSED. */
  async request(
    method: 'GET' | 'POST',
    path: string,
    waitMs: number,
    json?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; body: unknown }> {
    return await this.#request(method, () => path, waitMs, json, headers)
  }

  /** `pathOf` gets how much is left of the time that the gateway is asked to wait. */
  async #request(
    method: 'GET' | 'POST',
    pathOf: (leftMs: number) => string,
    waitMs: number,
    json?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; body: unknown }> {
    const startedMs = performance.now()
    const body = json === undefined ? undefined : JSON.stringify(json)
    for (let attempt = 1; ; attempt++) {
      const leftMs = Math.max(0, Math.ceil(waitMs - (performance.now() - startedMs)))
      const outcome = await this.#once(method, pathOf(leftMs), leftMs, body, headers)
      if ('status' in outcome) return outcome
      const pauseMs = Math.max(outcome.afterMs, delayMs(attempt, Math.random()))
      const isLate = performance.now() - startedMs + pauseMs > Math.max(waitMs, patienceMs)
      // Where nobody listens, who asks is told soon.
      if (isLate || (outcome.isRefused && attempt >= this.#attempts) || this.#closing.signal.aborted) throw outcome.failure
      await pause(pauseMs, this.#closing.signal)
    }
  }

  /** Throws what will not be otherwise the next time; gives back what may. */
  async #once(
    method: 'GET' | 'POST',
    path: string,
    waitMs: number,
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Outcome> {
    const { text: address } = this.#connection.address
    try {
      const answer = await this.#connection.request({
        method,
        path,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(waitMs + marginMs),
      })
      const text = await answer.body.text()
      const { statusCode: status } = answer
      if (isPassingStatus(status)) {
        const afterMs = retryAfterMs(answer.headers['retry-after']?.toString(), Date.now())
        return { failure: refusal(address, `${method} ${path}`, status, text), afterMs, isRefused: false }
      }
      const value = status < 300 || status === 404 ? parsed(text) : undefined
      if (value === undefined) throw refusal(address, `${method} ${path}`, status, text)
      return { status, body: value }
    } catch (error) {
      if (error instanceof ClientError) throw error
      const code = (error as { code?: string }).code ?? ''
      if (isPassingCode(code)) return { failure: unreachable(address, error), afterMs: 0, isRefused: code === 'ECONNREFUSED' }
      if ((error as Error).name !== 'TimeoutError') throw unreachable(address, error)
      throw new ClientError(
        'TIMED_OUT',
        `${address} did not answer ${method} ${path} within ${waitMs + marginMs} ms; the same request may be sent again`,
        { cause: error },
      )
    }
  }
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreachable(address: string, error: unknown): ClientError {
  const { code, message } = error as Error & { code?: string }
  return new ClientError(
    'UNREACHABLE',
    `no gateway answers at ${address} (${code || message}); start one with signalbox up, or name another with --url or SIGNALBOX_URL`,
    { cause: error },
  )
}

/** What a gateway says in its own words, or what somebody before it says with a status alone. */
function refusal(address: string, what: string, status: number, text: string): ClientError {
  const problem = parsed(text) as Partial<Problem> | null | undefined
  if (typeof problem?.code === 'string' && typeof problem.message === 'string')
    return new ClientError('REFUSED', problem.message, { problem: problem.code })
  if (isPassingStatus(status))
    return new ClientError(
      'UNREACHABLE',
      `${address} answered ${what} with ${status}, and again each time; is the gateway behind it running?`,
    )
  const next =
    status === 401 || status === 403 || status === 407
      ? 'who stands before the gateway wants to know who asks: give a user and password in the address, or a header'
      : 'is it a Signalbox gateway?'
  return new ClientError('PROTOCOL', `${address} answered ${what} with ${status} and not as a gateway does; ${next}`)
}
