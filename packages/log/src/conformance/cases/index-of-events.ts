import assert from 'node:assert/strict'
import type { LogReader, RecordToAppend } from '../../port.ts'
import type { ConformanceCase } from '../harness.ts'
import { openWriter, range, readCount, record, within } from '../support.ts'

/** Every event that the index gives for a key, newest first. */
async function allWith(log: LogReader, partition: number, key: string, before = Number.MAX_SAFE_INTEGER): Promise<number[]> {
  const found: number[] = []
  for (let at = before; ; ) {
    const { offset, since } = await log.index!.lastWith(partition, key, at)
    assert.equal(since, 0, 'everything was indexed from the start')
    if (offset === null) return found
    assert.ok(offset < at, `${offset} comes before ${at}`)
    found.push(offset)
    at = offset
  }
}

const named = (text: string, ...indexKeys: readonly string[]): RecordToAppend => ({ ...record(text), indexKeys })

export const indexCases: readonly ConformanceCase[] = [
  {
    name: 'finds the newest event before an offset by a name that it was appended with',
    appliesTo: ({ keepsIndex }) => keepsIndex,
    async run({ log, otherPartition, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      const names = (index: number) => [`every ${index % 3}`, `once ${index}`, 'always']
      for (const start of [0, 10, 20]) {
        const events = range(10).map((index) => named(`${start + index}`, ...names(start + index)))
        await within(patienceMs, 'a batch', writer.append({ events, deadLetters: [] }))
      }
      await within(patienceMs, 'one without names', writer.append({ events: [record('nameless')], deadLetters: [] }))
      const offsets = (await readCount(log, 'events', partition, 31, patienceMs)).map(({ offset }) => offset)
      // What has a name is found; an adapter may find more by chance, and who asks reads what it is given.
      const finds = async (key: string, fits: (index: number) => boolean, before = Number.MAX_SAFE_INTEGER) => {
        const wanted = range(30)
          .filter((index) => fits(index) && offsets[index]! < before)
          .map((index) => offsets[index]!)
          .reverse()
        const found = await allWith(log, partition, key, before)
        assert.deepEqual(
          found.filter((offset) => wanted.includes(offset)),
          wanted,
          key,
        )
        assert.ok(found.length <= wanted.length + 1, `${key}: ${found.length} found, ${wanted.length} wanted`)
      }
      await finds('always', () => true)
      await finds('always', () => true, offsets[17])
      await finds('every 1', (index) => index % 3 === 1)
      await finds('once 12', (index) => index === 12)
      await finds('once 12', () => false, offsets[12])
      await finds('never', () => false)
      assert.deepEqual(await allWith(log, otherPartition, 'always'), [])
      await writer.close()
    },
  },
  {
    name: 'finds what an earlier process appended',
    appliesTo: ({ keepsIndex }) => keepsIndex,
    partitionCount: 1,
    async runOnOwnStore({ patienceMs, store }) {
      const first = await store.open()
      const writer = await openWriter(first, 0)
      const events = [named('a', 'x'), named('b', 'y'), named('c', 'x')]
      const { lastOffset } = await within(patienceMs, 'a batch', writer.append({ events, deadLetters: [] }))
      await first.close()
      const second = await store.open()
      assert.equal((await second.index!.lastWith(0, 'x', Number.MAX_SAFE_INTEGER)).offset, lastOffset)
      assert.equal((await second.index!.lastWith(0, 'y', Number.MAX_SAFE_INTEGER)).offset, lastOffset - 1)
      assert.equal((await second.index!.lastWith(0, 'x', lastOffset)).offset, lastOffset - 2)
      await second.close()
      if (store.openReader === undefined) return
      const reader = await store.openReader()
      assert.equal((await reader.index!.lastWith(0, 'x', lastOffset)).offset, lastOffset - 2)
      await reader.close()
    },
  },
]
