/** Bugs that a store could have, planted, and the case that must see each. */
import { MemoryStore, type ProjectionStore, type ProjectionWriter } from '@signalbox/projection-store'
import { conformanceCases } from '@signalbox/projection-store/conformance'
import { describe, expect, it } from 'vitest'
import { makeMemoryStore } from './support/memory-store.ts'

type Change = (writer: ProjectionWriter, store: ProjectionStore, name: string) => Partial<ProjectionWriter>

/** A memory store whose writers are changed. */
class PlantedStore extends MemoryStore {
  readonly #change: Change

  constructor(change: Change) {
    super()
    this.#change = change
  }

  override async own(name: string, version: number): Promise<ProjectionWriter | null> {
    const writer = await super.own(name, version)
    return writer === null ? null : { ...writer, ...this.#change(writer, this, name) }
  }
}

const planted: readonly { bug: string; change: Change; caughtBy: string }[] = [
  {
    bug: 'the position goes into a transaction of its own',
    change: (writer) => ({
      async commit(batch) {
        await writer.commit({ ...batch, mutations: [], parked: [] })
        const from = batch.position.logOffset
        await writer.commit({ ...batch, fromOffset: from })
      },
    }),
    caughtBy: 'a batch that fails in its last row leaves everything as it was',
  },
  {
    bug: 'a generation is swapped in before it has caught up',
    change: (writer, store, name) => ({
      async swap(generation) {
        const stored = await store.projection(name)
        const of = (number: number | null | undefined) => stored!.generations.find((each) => each.generation === number)!.positions
        for (const [partition, { logOffset }] of of(generation).entries()) {
          const position = of(stored!.live)[partition]!
          if (position.logOffset > logOffset)
            await writer.commit({ generation, partition, fromOffset: logOffset, position, mutations: [], parked: [] })
        }
        await writer.swap(generation)
      },
    }),
    caughtBy: 'a generation is swapped in only where no partition of it lies behind',
  },
  {
    bug: 'the next owner does not know which keys are parked',
    change: () => ({ parkedKeys: async () => new Map() }),
    caughtBy: 'who comes next finds everything as it was left',
  },
  {
    bug: 'a batch is taken from any position',
    change: (writer, store, name) => ({
      async commit(batch) {
        const stored = await store.projection(name)
        const at = stored!.generations.find(({ generation }) => generation === batch.generation)!.positions[batch.partition]!
        await writer.commit({ ...batch, fromOffset: at.logOffset })
      },
    }),
    caughtBy: 'a batch from another position is refused, and changes nothing',
  },
]

function caseNamed(name: string) {
  return conformanceCases.find((each) => each.name === name)!
}

describe('the conformance suite notices', () => {
  it.each(planted)('$bug', async ({ caughtBy, change }) => {
    const made = await makeMemoryStore(new PlantedStore(change))
    await expect(caseNamed(caughtBy).run(made)).rejects.toThrow()
  })

  it('an owner that is not fenced', async () => {
    const made = await makeMemoryStore()
    const { name } = caseNamed('an owner that was overtaken without knowing changes nothing any more')
    await expect(caseNamed(name).run({ ...made, overtake: async () => {} })).rejects.toThrow()
  })

  it('nothing where nothing is wrong', async () => {
    for (const { caughtBy } of planted) await caseNamed(caughtBy).run(await makeMemoryStore(new PlantedStore(() => ({}))))
  })
})
