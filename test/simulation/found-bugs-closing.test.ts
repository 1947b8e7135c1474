/** A bug that the simulator has found around a log that is closed, as the shortest story that shows it. */
import { createCodec } from '@signalbox/codec'
import { generationResource, type Intent, intentFromJson, makeUuidV7, systemScope } from '@signalbox/contract'
import { Desk } from '@signalbox/gateway'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { ReadModel } from '@signalbox/partition-state'
import { rulesOf, startSequencer } from '@signalbox/sequencer'
import { afterEach, expect, test } from 'vitest'
import { Random } from '../support/random.ts'
import { simulatedContracts, simulatedLimits } from './contracts.ts'

const codec = createCodec({ limits: simulatedLimits })
const silent = { info() {}, warn() {}, error() {} }
const random = new Random('found bugs around a closed log')
const ends: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function deskOn(store: MemoryLogStore): Promise<Desk> {
  const log = createMemoryLog({ store })
  const sequencer = await startSequencer({
    log,
    codec,
    contracts: simulatedContracts,
    limits: simulatedLimits,
    logger: silent,
    software: 'test',
  })
  const clock = { nowMs: () => Date.now(), sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) }
  const readModel = new ReadModel({ log, codec, limits: simulatedLimits, clock, failed: () => {} })
  const desk = new Desk({ log, codec, rules: rulesOf({ contracts: simulatedContracts, limits: simulatedLimits, log }), clock, readModel })
  await readModel.start()
  ends.push(async () => {
    await sequencer.stop()
    await desk.close()
    await readModel.close()
    await log.close()
  })
  return desk
}

function asked(resource: string, action: string, input: object, more: object = {}): Intent {
  const intentId = makeUuidV7(Date.now(), random.bytes(10))
  return intentFromJson({ intentId, scope: 'north', agent: 'agent-0', actions: [{ resource, action, input: input as never }], ...more })
}

async function said(desk: Desk, intent: Intent, waitMs = 5_000) {
  return await desk.submit(intent, { waitMs })
}

const operator = { agent: 'human:op', scope: systemScope(0, 1) }
const taking = () => asked('stock/rooms', 'take', { count: 2 }, { onConflict: 'wait' })

test('what a closed log turned away, and waits once it is sent again, is told to be pending', async () => {
  const desk = await deskOn(new MemoryLogStore())
  await said(desk, asked('stock/rooms', 'open', { capacity: 1 }))
  await said(desk, asked(generationResource, 'close', { next: 'log-2', reason: 'to try' }, operator))
  const waiting = taking()
  expect(await said(desk, waiting)).toMatchObject({ code: 'GENERATION_CLOSED' })
  await said(desk, asked(generationResource, 'reopen', { reason: 'to try' }, operator))
  expect(await said(desk, waiting, 50)).toMatchObject({ code: 'INVARIANT_VIOLATED', pending: expect.anything() })
  expect(await desk.decision(waiting.intentId)).toMatchObject({ pending: expect.anything() })
})
