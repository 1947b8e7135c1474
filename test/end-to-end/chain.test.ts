/** Two agents that answer each other from two scopes on two partitions stop: the depth goes with the cause, and a piece of work has a home. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ContainmentSettings,
  type CorrelationData,
  containmentOf,
  contractSet,
  type Decision,
  partitionOf,
  systemScope,
} from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { expect, test } from 'vitest'
import { intent, order, stock } from '../support/shop.ts'

const scopes = ['left', 'right', 'a', 'b', 'c', 'd']
const scopeOn = (partition: number) => scopes.find((scope) => partitionOf(scope, 2) === partition)!

/** Two partitions; `asks` sends an order in a scope of one of them and gives its code. */
async function onTwoPartitions<Result>(
  settings: ContainmentSettings,
  use: (asks: Asks, signalbox: Running) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-chain-'))
  const signalbox = await startSignalbox({
    log: await openSqliteLog({ directory, partitionCount: 2 }),
    contracts: contractSet([order, stock]),
    containment: containmentOf(settings),
    logger: pino({ level: 'silent' }),
  })
  try {
    const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 })
    let number = 0
    const asks: Asks = async (partition, more) => {
      const actions = [{ resource: `order/${number++}`, action: 'open', input: { cents: 1 } }]
      const value = intent(actions, { scope: scopeOn(partition), agent: partition === 0 ? 'ann' : 'bob', ...more })
      const answer = await fetch(`${url}/v1/intents`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(value),
      })
      const { code, message } = (await answer.json()) as Decision
      return { code, message, intentId: value.intentId }
    }
    return await use(asks, signalbox)
  } finally {
    await signalbox.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

type Running = Awaited<ReturnType<typeof startSignalbox>>
type Asks = (
  partition: number,
  more: object,
) => Promise<{ readonly code: string | null; readonly message: string | null; readonly intentId: string }>

test.each([
  ['naming only its cause', () => ({})],
  ['under a piece of work of its own each time', (step: number) => ({ correlationId: `work-${step}` })],
])('a chain from partition to partition, %s', async (_how, more) => {
  const said = await onTwoPartitions({ maxDepth: 6 }, async (asks) => {
    const codes: (string | null)[] = []
    let causationId: string | null = null
    for (let step = 0; step < 20 && codes.at(-1) !== 'CHAIN_TOO_DEEP'; step++) {
      const { code, intentId } = await asks(step % 2, { causationId, ...more(step) })
      codes.push(code)
      causationId = intentId
    }
    return codes
  })
  expect(said).toEqual([...Array.from({ length: 7 }, () => null), 'CHAIN_TOO_DEEP'])
})

test('a piece of work that names no cause, from partition to partition', async () => {
  const limit = 6
  await onTwoPartitions({ correlationIntents: limit }, async (asks, { gateway }) => {
    const more = { correlationId: 'work-1' }
    for (let step = 0; step < limit; step++) expect(await asks(step % 2, more)).toMatchObject({ code: null })
    // It is told from partition to partition that this was all.
    const isExhausted = async (partition: number) => {
      const seen = await gateway.desk.observe(systemScope(partition, 2), ['correlation/counts'], {})
      return ((seen?.resources[0]?.data ?? { exhausted: null }) as CorrelationData).exhausted !== null
    }
    await expect.poll(async () => (await isExhausted(0)) && (await isExhausted(1)), { timeout: 30_000 }).toBe(true)
    for (const partition of [0, 1]) {
      expect(await asks(partition, more)).toMatchObject({
        code: 'CORRELATION_EXHAUSTED',
        message: expect.stringMatching(/^6 intents of correlation work-1 /),
      })
      expect(await asks(partition, { correlationId: 'work-2' })).toMatchObject({ code: null })
    }
  })
})
