import { type Assignment, isLogError } from '@signalbox/log'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { describe, expect, it } from 'vitest'
import { events, failureOf, openWriter, readAll, record, temporaryDirectory, textOf } from './support.ts'

const MAX_FILE_BYTES = 400_000
const WAITING = 16

describe('a log without space left', { timeout: 30_000 }, () => {
  it('acknowledges nothing that is not durable, fails from then on, and can be read', async () => {
    const directory = await temporaryDirectory()
    const log = await openSqliteLog({ directory, maxFileBytes: MAX_FILE_BYTES })
    const lost: Error[] = []
    await log.join({ assigned: () => undefined, revoked: async () => undefined, lost: (error) => void lost.push(error) })
    const writer = await openWriter(log)
    const acknowledged: string[] = []
    const codes = new Set<string>()
    for (let round = 0; codes.size === 0 && round < 1_000; round++) {
      const texts = Array.from({ length: WAITING }, (_, client) => `${round}-${client} ${'.'.repeat(300)}`)
      const outcomes = await Promise.allSettled(
        texts.map((text) => Promise.all([log.append(0, record(text)), writer.append(events(text))])),
      )
      outcomes.forEach((outcome, index) => {
        if (outcome.status === 'fulfilled') acknowledged.push(texts[index]!)
        else codes.add(isLogError(outcome.reason) ? outcome.reason.code : String(outcome.reason))
      })
    }
    expect([...codes]).toEqual(['FULL'])
    expect(acknowledged.length).toBeGreaterThan(0)
    expect(lost).toHaveLength(1)

    const order: Assignment = { partition: 0, generation: 2, signal: new AbortController().signal }
    for (const later of [log.append(0, record('later')), writer.append(events('later')), log.open(order)]) {
      expect((await failureOf(later)).code).toBe('FULL')
    }
    expect((await readAll(log, 'events')).map(textOf)).toEqual(acknowledged)
    const reader = await openSqliteLogReader({ directory })
    expect((await readAll(reader, 'intents')).map(textOf)).toEqual(acknowledged)
    await reader.close()
    await log.close()

    const withSpace = await openSqliteLog({ directory })
    expect((await readAll(withSpace, 'events')).map(textOf)).toEqual(acknowledged)
    expect((await withSpace.append(0, record('there is space again'))).offset).toBe(acknowledged.length)
    await withSpace.close()
  })

  it('takes back an intent that a cursor has seen and that never became durable', async () => {
    const directory = await temporaryDirectory()
    const log = await openSqliteLog({ directory, maxFileBytes: MAX_FILE_BYTES })
    await log.append(0, record('fits'))
    const cursor = await log.cursor({ topic: 'intents', partition: 0, fromOffset: 0 })
    const bounds = { maxRecords: 1, maxBytes: 1, waitMs: 1_000 }
    expect(textOf((await cursor.next(bounds))[0]!)).toBe('fits')
    const tooMuch = failureOf(log.append(0, record('.'.repeat(MAX_FILE_BYTES * 2))))
    expect(textOf((await cursor.next(bounds))[0]!)).toHaveLength(MAX_FILE_BYTES * 2)
    expect((await tooMuch).code).toBe('FULL')
    expect((await failureOf(cursor.next(bounds))).code).toBe('FULL')
    expect((await log.offsets('intents', 0)).end).toBe(1)
    await log.close()
  })

  it('refuses more than may wait to be written, and goes on when that is done', async () => {
    const directory = await temporaryDirectory()
    const log = await openSqliteLog({ directory, maxQueuedBytes: 10_000 })
    const first = Array.from({ length: 20 }, (_, index) => log.append(0, record(`${index} ${'.'.repeat(1_000)}`)))
    const outcomes = await Promise.allSettled(first)
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []))
    expect(refused.length).toBeGreaterThan(0)
    expect(new Set(refused)).toEqual(new Set(['TRANSIENT']))
    await log.append(0, record('goes on'))
    expect(await readAll(log, 'intents')).toHaveLength(first.length - refused.length + 1)
    await log.close()
  })
})
