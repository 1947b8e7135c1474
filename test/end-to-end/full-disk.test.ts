/** A full disk: nothing is acknowledged that is not durable, and the process says so and ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClientError, connect, newIntentId } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { expect, it } from 'vitest'
import { order } from '../support/shop.ts'

it('a full disk stops acknowledging; everything acknowledged is there, and the process ends with a reason', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-full-'))
  const log = await openSqliteLog({ directory, maxFileBytes: 512 * 1024 })
  const signalbox = await startSignalbox({ log, contracts: contractSet([order]), logger: pino({ level: 'silent' }) })
  try {
    const agent = connect({ url: await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 }), agent: 'clerk', waitMs: 5_000 })
    const acknowledged: string[] = []
    let refusal: unknown = null
    for (let index = 0; index < 5_000 && refusal === null; index++) {
      const intentId = newIntentId()
      try {
        const decision = await agent.propose(
          { scope: 'shop', resources: [] },
          [{ resource: `order/${index}`, action: 'open', input: { cents: 1 } }],
          { intentId },
        )
        expect(decision.committed).toBe(true)
        acknowledged.push(intentId)
      } catch (error) {
        refusal = error
      }
    }
    expect(refusal).toBeInstanceOf(ClientError)
    expect(['REFUSED', 'TIMED_OUT']).toContain((refusal as ClientError).code)
    await expect(signalbox.failed).rejects.toMatchObject({ code: 'FULL' })
    await agent.close()
    await signalbox.stop()
    const reader = await openSqliteLogReader({ directory })
    const decided = new Set<string | null>()
    for await (const { event } of readEvents({ log: reader, codec: createCodec({ limits: defaultLimits }) }, 0))
      if (event.type === 'IntentCommitted') decided.add(event.payload.intentId)
    await reader.close()
    expect(acknowledged.length).toBeGreaterThan(50)
    expect(acknowledged.filter((intentId) => !decided.has(intentId))).toEqual([])
  } finally {
    await signalbox.stop()
    rmSync(directory, { recursive: true, force: true })
  }
})
