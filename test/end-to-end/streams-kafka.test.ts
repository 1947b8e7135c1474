/** Readers of server-sent events of a log on a real broker: the bound holds, each gets everything in order, and decisions go on falling. */

import { connect } from '@signalbox/client'
import { contractSet, partitionOf } from '@signalbox/contract'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { startSignalbox } from '@signalbox/signalbox'
import { createParser } from 'eventsource-parser'
import pino from 'pino'
import { expect, it, vi } from 'vitest'
import { order, stock } from '../support/shop.ts'

const topicPrefix = `streams-${process.pid}-${Date.now()}`
const maxStreams = 20
const partitions = 2

it('as many as are served get all events, one more is told to come again, and takes the place of who goes', {
  timeout: 120_000,
}, async () => {
  await createTopics({ brokers: process.env.KAFKA_BROKERS!, topicPrefix, partitions })
  const log = await openKafkaLog({ brokers: process.env.KAFKA_BROKERS!, topicPrefix })
  const running = await startSignalbox({ log, contracts: contractSet([order, stock]), maxStreams, logger: pino({ level: 'silent' }) })
  const stops: AbortController[] = []
  try {
    const url = await running.gateway.server.listen({ host: '127.0.0.1', port: 0 })
    const agent = connect({ coordinator: running.gateway.desk, agent: 'clerk', waitMs: 60_000 })
    const decide = async (from: number, count: number) => {
      for (let number = from; number < from + count; number++) {
        const action = { resource: `order/${number}`, action: 'open', input: { cents: 1 } }
        expect((await agent.propose({ scope: `shop-${number % 8}`, resources: [] }, [action])).committed).toBe(true)
      }
    }
    await decide(0, 60)
    const total = 100
    /** The intents that a reader was told of, by partition, in the order in which it was. */
    const read = async () => {
      const stop = new AbortController()
      stops.push(stop)
      const answer = await fetch(`${url}/v1/events?from=start`, { signal: stop.signal })
      expect(answer.status).toBe(200)
      const told: string[][] = Array.from({ length: partitions }, () => [])
      const parser = createParser({
        onEvent: ({ data }) => {
          const { decision, scope } = JSON.parse(data) as { scope: string; decision?: { changes: readonly { resource: string }[] } }
          for (const { resource } of decision?.changes ?? []) told[partitionOf(scope, partitions)]!.push(resource)
        },
      })
      const decoder = new TextDecoder()
      for await (const bytes of answer.body!) {
        parser.feed(decoder.decode(bytes, { stream: true }))
        if (told.flat().length >= total) break
      }
      return told
    }
    const readers = Array.from({ length: maxStreams }, read)
    await vi.waitUntil(async () => (await (await fetch(`${url}/metrics`)).text()).includes(`signalbox_gateway_streams ${maxStreams}`), {
      timeout: 20_000,
      interval: 20,
    })
    for (const path of ['/v1/events', '/v1/events?from=start', '/v1/watch?scope=a&read=order/a@0']) {
      const refused = await fetch(`${url}${path}`)
      expect([refused.status, await refused.json()]).toEqual([503, expect.objectContaining({ code: 'TOO_MANY_READERS' })])
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    await decide(60, total - 60)
    const wanted = Array.from({ length: partitions }, (_, partition) =>
      Array.from({ length: total }, (_, number) => number)
        .filter((number) => partitionOf(`shop-${number % 8}`, partitions) === partition)
        .map((number) => `order/${number}`),
    )
    for (const told of await Promise.all(readers)) expect(told).toEqual(wanted)
    for (const stop of stops) stop.abort()
    await vi.waitUntil(async () => (await fetch(`${url}/v1/events?from=start`, { signal: AbortSignal.timeout(5_000) })).status === 200, {
      timeout: 20_000,
      interval: 50,
    })
    await agent.close()
  } finally {
    for (const stop of stops) stop.abort()
    await running.stop()
  }
})
