/** The watch of a gateway over HTTP: server-sent events, taken up again where the connection was lost. */
import type { Invalidation, Problem, Read } from '@signalbox/contract'
import { createParser } from 'eventsource-parser'
import { request } from 'undici'
import { ClientError } from './errors.ts'

const firstRetryMs = 100
const lastRetryMs = 5_000
/** The gateway gives a sign of life more often than this. */
const silenceMs = 45_000
/** A message that is longer is none of ours. */
const maxMessageLength = 256 * 1024

/** Throws ClientError REFUSED where the gateway does not take the request; whatever else goes wrong is tried again. */
export async function* watchOverHttp(
  url: string,
  scope: string,
  reads: readonly Read[],
  signal: AbortSignal,
): AsyncGenerator<Invalidation> {
  const seen = new Map(reads.map(({ resource, version }) => [resource, version]))
  let retryMs = firstRetryMs
  while (!signal.aborted) {
    try {
      const query = new URLSearchParams([
        ['scope', scope] as [string, string],
        ...[...seen].map(([resource, version]): [string, string] => ['read', `${resource}@${version}`]),
      ])
      for await (const moved of messages(`${url}/v1/watch?${query}`, signal)) {
        retryMs = firstRetryMs
        // After a new connection, what was told before is not told again.
        seen.set(moved.resource, moved.version)
        yield moved
      }
    } catch (error) {
      if (error instanceof ClientError) throw error
    }
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, retryMs)
      const stop = () => {
        clearTimeout(timer)
        resolve()
      }
      signal.addEventListener('abort', stop, { once: true })
    })
    retryMs = Math.min(2 * retryMs, lastRetryMs)
  }
}

async function* messages(url: string, signal: AbortSignal): AsyncGenerator<Invalidation> {
  const answer = await request(url, { headers: { accept: 'text/event-stream' }, signal, headersTimeout: 15_000, bodyTimeout: silenceMs })
  if (answer.statusCode !== 200) {
    const { code, message } = (await answer.body.json().catch(() => ({}))) as Partial<Problem>
    if (answer.statusCode < 500)
      throw new ClientError('REFUSED', message ?? `the gateway refused to watch with ${answer.statusCode}`, { problem: code ?? 'INTERNAL' })
    return
  }
  const told: Invalidation[] = []
  const parser = createParser({ maxBufferSize: maxMessageLength, onEvent: ({ data }) => told.push(JSON.parse(data) as Invalidation) })
  const decoder = new TextDecoder()
  for await (const chunk of answer.body) {
    parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }))
    yield* told.splice(0)
  }
}
