/** Two agents that answer each other from two scopes on two partitions stop, as the depth goes with the cause. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSignalbox } from '@signalbox/cli'
import { containmentOf, contractSet, type Decision, partitionOf } from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import pino from 'pino'
import { expect, test } from 'vitest'
import { intent, order, stock } from './shop.ts'

const scopes = ['left', 'right', 'a', 'b', 'c', 'd']
const scopeOn = (partition: number) => scopes.find((scope) => partitionOf(scope, 2) === partition)!

test.each([
  ['naming only its cause', () => ({})],
  ['under a piece of work of its own each time', (step: number) => ({ correlationId: `work-${step}` })],
])('a chain from partition to partition, %s', async (_how, more) => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-chain-'))
  const signalbox = await startSignalbox({
    log: await openSqliteLog({ directory, partitionCount: 2 }),
    contracts: contractSet([order, stock]),
    containment: containmentOf({ maxDepth: 6 }),
    logger: pino({ level: 'silent' }),
  })
  try {
    const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 })
    const said: (string | null)[] = []
    let causationId: string | null = null
    for (let step = 0; step < 20 && said.at(-1) !== 'CHAIN_TOO_DEEP'; step++) {
      const value = intent([{ resource: `order/${step}`, action: 'open', input: { cents: 1 } }], {
        scope: scopeOn(step % 2),
        agent: step % 2 === 0 ? 'ann' : 'bob',
        causationId,
        ...more(step),
      })
      const answer = await fetch(`${url}/v1/intents`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(value),
      })
      said.push(((await answer.json()) as Decision).code)
      causationId = value.intentId
    }
    expect(said).toEqual([...Array.from({ length: 7 }, () => null), 'CHAIN_TOO_DEEP'])
  } finally {
    await signalbox.stop()
    rmSync(directory, { recursive: true, force: true })
  }
})
