import assert from 'node:assert/strict'
import type { SnapshotStore } from '../../snapshots.ts'
import type { ConformanceCase } from '../harness.ts'
import { range } from '../support.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function write(snapshots: SnapshotStore, partition: number, position: number, chunks: Iterable<string>): Promise<void> {
  const taken: string[] = []
  function* bytes() {
    for (const chunk of chunks) {
      taken.push(chunk)
      yield encoder.encode(chunk)
    }
  }
  return snapshots.write(partition, { position, chunks: bytes(), manifest: () => encoder.encode(`${position}: ${taken.length} chunks`) })
}

async function newest(snapshots: SnapshotStore, partition: number): Promise<{ manifest: string; chunks: string[] } | null> {
  const stored = await snapshots.newest(partition)
  if (stored === null) return null
  const chunks: string[] = []
  for await (const chunk of stored.chunks()) chunks.push(decoder.decode(chunk))
  return { manifest: decoder.decode(stored.manifest), chunks }
}

export const snapshotCases: readonly ConformanceCase[] = [
  {
    name: 'gives the newest snapshot of a partition back, to every process, and none before the first',
    appliesTo: ({ keepsSnapshots }) => keepsSnapshots,
    partitionCount: 2,
    async runOnOwnStore({ store }) {
      const log = await store.open()
      const snapshots = log.snapshots!
      assert.equal(await newest(snapshots, 0), null)
      await write(snapshots, 0, 5, ['old'])
      const chunks = range(40).map((index) => `${index} ${'ö'.repeat(20_000)}`)
      await write(snapshots, 0, 9, chunks)
      await write(snapshots, 0, 7, ['by a standby that lags'])
      assert.deepEqual(await newest(snapshots, 0), { manifest: '9: 40 chunks', chunks })
      assert.equal(await newest(snapshots, 1), null, 'another partition has none')
      await log.close()
      const later = await store.open()
      assert.deepEqual(await newest(later.snapshots!, 0), { manifest: '9: 40 chunks', chunks })
      await later.close()
    },
  },
  {
    name: 'shows nothing of a snapshot that was not finished',
    appliesTo: ({ keepsSnapshots }) => keepsSnapshots,
    partitionCount: 1,
    async runOnOwnStore({ store }) {
      const log = await store.open()
      const snapshots = log.snapshots!
      await write(snapshots, 0, 5, ['whole'])
      function* failing() {
        yield 'a part'
        throw new Error('the process died')
      }
      await assert.rejects(write(snapshots, 0, 9, failing()), /the process died/)
      assert.deepEqual(await newest(snapshots, 0), { manifest: '5: 1 chunks', chunks: ['whole'] })
      await write(snapshots, 0, 12, ['the next'])
      assert.deepEqual(await newest(snapshots, 0), { manifest: '12: 1 chunks', chunks: ['the next'] })
      await log.close()
    },
  },
]
