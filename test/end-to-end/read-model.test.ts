/** What becomes of a start on a log that cannot be read. */

import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits } from '@signalbox/contract'
import { systemClock } from '@signalbox/log'
import { createMemoryLog, type FaultCall, MemoryLogStore } from '@signalbox/log-memory'
import { ReadModel } from '@signalbox/partition-state'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { expect, it, vi } from 'vitest'
import { order } from '../support/shop.ts'

/** A log whose only event is no event. */
async function damagedStore(): Promise<MemoryLogStore> {
  const store = new MemoryLogStore()
  const log = createMemoryLog({ store })
  const writer = await log.open({ partition: 0, generation: 0, signal: new AbortController().signal })
  await writer.append({ events: [{ key: 'partition-0', value: Uint8Array.of(1, 2, 3), headers: {} }], deadLetters: [] })
  await log.close()
  return store
}

it('a read model that cannot be built says so instead of waiting for ever', async () => {
  const failures: Error[] = []
  const log = createMemoryLog({ store: await damagedStore() })
  const readModel = new ReadModel({
    log,
    codec: createCodec({ limits: defaultLimits }),
    limits: defaultLimits,
    clock: systemClock,
    failed: (error) => failures.push(error),
  })
  await expect(readModel.start()).rejects.toMatchObject({ code: 'CORRUPT' })
  expect(failures).toHaveLength(1)
  await readModel.close()
  await log.close()
}, 10_000)

it('a Signalbox that cannot start lets go of its log', async () => {
  const log = createMemoryLog({ store: await damagedStore() })
  await expect(startSignalbox({ log, contracts: contractSet([order]), logger: pino({ level: 'silent' }) })).rejects.toMatchObject({
    code: 'CORRUPT',
  })
  await expect(log.offsets('events', 0)).rejects.toMatchObject({ code: 'CLOSED' })
}, 10_000)

it('a read model says while its log cannot be read, and that it can again', async () => {
  let isAway = false
  const fault = ({ operation }: FaultCall) => (isAway && operation === 'cursor.next' ? ({ outcome: 'fail-before' } as const) : undefined)
  const log = createMemoryLog({ store: new MemoryLogStore({ partitionCount: 2 }), fault })
  const codec = createCodec({ limits: defaultLimits })
  const failed = (error: Error) => expect.fail(error.message)
  const readModel = new ReadModel({ log, codec, limits: defaultLimits, clock: systemClock, failed })
  await readModel.start()
  expect(readModel.trouble()).toBe(null)
  isAway = true
  await vi.waitUntil(() => readModel.trouble() !== null, { timeout: 5_000 })
  expect(readModel.trouble()).toMatch(/^partition 0 cannot be read: /)
  isAway = false
  await vi.waitUntil(() => readModel.trouble() === null, { timeout: 5_000 })
  await readModel.close()
  await log.close()
}, 15_000)
