/** The watch of a gateway over HTTP: server-sent events, taken up again where the connection was lost. */
import type { Invalidation, Problem, Read } from '@signalbox/contract'
import { createParser } from 'eventsource-parser'
import type { Connection } from './connection.ts'
import { ClientError } from './errors.ts'
import { delayMs, isPassingStatus, pause, retryAfterMs } from './retry.ts'

/** The gateway gives a sign of life more often than this. */
const silenceMs = 45_000
/** A message that is longer is none of ours. */
const maxMessageLength = 256 * 1024

/** Throws ClientError REFUSED where the gateway does not take the request; whatever else goes wrong is tried again. */
export async function* watchOverHttp(
  connection: Connection,
  scope: string,
  reads: readonly Read[],
  signal: AbortSignal,
): AsyncGenerator<Invalidation> {
  const seen = new Map(reads.map(({ resource, version }) => [resource, version]))
  let attempt = 0
  while (!signal.aborted) {
    let pauseMs = 0
    try {
      const query = new URLSearchParams([
        ['scope', scope] as [string, string],
        ...[...seen].map(([resource, version]): [string, string] => ['read', `${resource}@${version}`]),
      ])
      for await (const moved of messages(connection, `/v1/watch?${query}`, signal, (afterMs) => {
        pauseMs = afterMs
      })) {
        attempt = 0
        // After a new connection, what was told before is not told again.
        seen.set(moved.resource, moved.version)
        yield moved
      }
    } catch (error) {
      if (error instanceof ClientError) throw error
    }
    await pause(Math.max(pauseMs, delayMs(++attempt, Math.random())), signal)
  }
}

/** `busy` is told how long to wait where somebody on the way is too busy. */
async function* messages(
  connection: Connection,
  path: string,
  signal: AbortSignal,
  busy: (afterMs: number) => void,
): AsyncGenerator<Invalidation> {
  const headers = { accept: 'text/event-stream' }
  const answer = await connection.request({ method: 'GET', path, headers, signal, silenceMs })
  if (answer.statusCode !== 200) {
    const { code, message } = (await answer.body.json().catch(() => ({}))) as Partial<Problem>
    if (answer.statusCode < 500 && !isPassingStatus(answer.statusCode))
      throw new ClientError('REFUSED', message ?? `the gateway refused to watch with ${answer.statusCode}`, { problem: code ?? 'INTERNAL' })
    busy(retryAfterMs(answer.headers['retry-after']?.toString(), Date.now()))
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
