/** What a memory log can do that goes on from another one. */
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { describe, expect, test } from 'vitest'

const intent = (text: string) => ({ key: 'a', value: Buffer.from(text), headers: {} })

describe('a log that goes on from another', () => {
  test('begins its intents where it is told, on that partition alone', async () => {
    const store = new MemoryLogStore({ partitionCount: 2 })
    store.startIntentsAt(1, 1_000)
    const log = createMemoryLog({ store })
    expect(await log.offsets('intents', 1)).toMatchObject({ start: 1_000, end: 1_000 })
    const cursor = await log.cursor({ topic: 'intents', partition: 1, fromOffset: 1_000 })
    expect(await log.append(1, intent('x'))).toMatchObject({ partition: 1, offset: 1_000 })
    expect(await log.append(0, intent('y'))).toMatchObject({ partition: 0, offset: 0 })
    expect((await cursor.next({ maxRecords: 9, maxBytes: 9_000, waitMs: 0 })).map(({ offset }) => offset)).toEqual([1_000])
    expect(await log.offsets('intents', 1)).toMatchObject({ start: 1_000, end: 1_001 })
    await expect(log.cursor({ topic: 'intents', partition: 1, fromOffset: 999 })).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    await log.close()
  })

  test('does not move intents that it has', async () => {
    const store = new MemoryLogStore()
    await createMemoryLog({ store }).append(0, intent('x'))
    expect(() => store.startIntentsAt(0, 1_000)).toThrow(RangeError)
    store.topic('intents', 0).deleteBefore(1)
    expect(() => store.startIntentsAt(0, 1_000)).toThrow('has held records up to 1')
  })

  test('takes dead letters without an owner, each at its offset', () => {
    const store = new MemoryLogStore()
    const letters = (from: number) => ['a', 'b'].map((text, index) => ({ ...intent(text), offset: from + index }))
    store.appendLettersAt('dead-letters', 0, letters(0), 5)
    expect(() => store.appendLettersAt('dead-letters', 0, letters(3), 5)).toThrow('goes on at 2, not at 3')
    store.appendLettersAt('dead-letters', 0, letters(2), 6)
    const read = store.topic('dead-letters', 0).read(0, { maxRecords: 9, maxBytes: 9_000 })
    expect(read.map(({ offset, timestampMs, value }) => [offset, timestampMs, `${value}`])).toEqual([
      [0, 5, 'a'],
      [1, 5, 'b'],
      [2, 6, 'a'],
      [3, 6, 'b'],
    ])
  })
})
