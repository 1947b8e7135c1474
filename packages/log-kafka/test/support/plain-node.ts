// Uses the log as a program does that vitest has no hand in: run by Node itself, with its real module loader and timers.
import { openKafkaLog } from '../../src/index.ts'
import { batch, bounds, openWriter, record } from './records.ts'
import { brokersForTests } from './topics.ts'

const log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix: process.argv[2]! })
const assigned = new Promise<void>((resolve) => {
  void log.join({ assigned: () => resolve(), revoked: async () => {}, lost: (error) => process.stderr.write(`${error.message}\n`) })
})
await assigned
const writer = await openWriter(log, 0)
await writer.append(batch('event'))
await log.append(0, record('intent'))
const cursor = await log.cursor({ topic: 'intents', partition: 0, fromOffset: 0 })
const records = await cursor.next(bounds())
await log.close()
process.stdout.write(`${records.length}`)
