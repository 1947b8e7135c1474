/** Decisions as they fall: over the gateway's event stream where an address is given, else from the log itself. */
import type { Decision } from '@signalbox/contract'
import { EventReader } from '@signalbox/event-log'
import { isLogError } from '@signalbox/log'
import { type DecisionFilter, matches, presentDecision } from '@signalbox/presentation'
import { createParser } from 'eventsource-parser'
import { openToRead } from '../logs.ts'
import type { Settings } from '../settings.ts'
import { signalled } from '../signals.ts'
import { gatewayOf } from './gateway.ts'

const maxQueued = 1_000

/** Ends at SIGINT or SIGTERM. */
export async function* followDecisions(settings: Settings, filter: DecisionFilter, from: 'start' | 'end'): AsyncGenerator<Decision> {
  const stop = new AbortController()
  void signalled().then(() => stop.abort())
  yield* settings.urlIsGiven ? followGateway(settings, filter, from, stop.signal) : followLog(settings, filter, from, stop.signal)
}

async function* followLog(settings: Settings, filter: DecisionFilter, from: 'start' | 'end', stop: AbortSignal): AsyncGenerator<Decision> {
  const { codec, log } = await openToRead(settings)
  // Partitions fill one bounded queue; a full one makes them wait.
  const queue: Decision[] = []
  let failure: unknown = null
  let wake: () => void = () => {}
  const follow = async (partition: number): Promise<void> => {
    const { end, start } = await log.offsets('events', partition)
    const reader = await EventReader.open({ log, codec, partition, fromOffset: from === 'start' ? start : end })
    while (!stop.aborted) {
      for (const { event, logOffset } of await reader.next(500)) if (matches(event, filter)) queue.push(presentDecision(event, logOffset)!)
      if (queue.length > 0) wake()
      while (queue.length >= maxQueued && !stop.aborted) await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const followers = Promise.all(Array.from({ length: log.partitionCount }, (_, partition) => follow(partition))).catch((error: unknown) => {
    if (!isLogError(error, 'CLOSED')) failure = error
    wake()
  })
  stop.addEventListener('abort', () => wake(), { once: true })
  try {
    while (!stop.aborted && failure === null) {
      while (queue.length > 0) yield queue.shift()!
      if (stop.aborted || failure !== null) break
      await new Promise<void>((resolve) => {
        wake = resolve
        if (queue.length > 0) resolve()
      })
    }
    if (failure !== null) throw failure
  } finally {
    await log.close()
    await followers
  }
}

async function* followGateway(
  settings: Settings,
  filter: DecisionFilter,
  from: 'start' | 'end',
  stop: AbortSignal,
): AsyncGenerator<Decision> {
  const query = new URLSearchParams(
    Object.entries({ ...filter, from }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  const gateway = gatewayOf(settings)
  const queue: Decision[] = []
  const parser = createParser({
    onEvent({ data }) {
      const { decision } = JSON.parse(data) as { decision?: Decision }
      if (decision !== undefined) queue.push(decision)
    },
  })
  const decoder = new TextDecoder()
  try {
    for await (const bytes of await gateway.stream(`/v1/events?${query}`, stop)) {
      parser.feed(decoder.decode(bytes, { stream: true }))
      while (queue.length > 0) yield queue.shift()!
    }
  } catch (error) {
    if (!stop.aborted) throw error
  } finally {
    await gateway.close()
  }
}
