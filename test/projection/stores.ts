/** The stores of the proof, and one with a bug. */
import { openPostgresStore } from '@signalbox/projection-postgres'
import { openSqliteStore } from '@signalbox/projection-sqlite'
import type { ProjectionStore, ProjectionWriter } from '@signalbox/projection-store'

/** A store by its address: `postgres://...#SCHEMA`, or the folder of a SQLite file. */
export async function openStore(address: string): Promise<ProjectionStore> {
  if (!address.startsWith('postgres://')) return openSqliteStore({ directory: address })
  const url = new URL(address)
  const schema = url.hash.slice(1)
  url.hash = ''
  return await openPostgresStore({ url: url.href, schema })
}

/**
 * Commits rows in one transaction and the position in the next: who dies in between folds them once more. And there it dies, where
 * `isDying` says so, at the next batch of a rebuild, or of the live rows where none is under way.
 */
export function commitApart(store: ProjectionStore, isDying: () => boolean): ProjectionStore {
  const apart = (projection: string, writer: ProjectionWriter): ProjectionWriter['commit'] => {
    return async (batch) => {
      const { generations } = (await store.projection(projection))!
      const { positions, state } = generations.find(({ generation }) => generation === batch.generation)!
      // The position as it is, whole, with its place in the chain: reading begins there.
      await writer.commit({ ...batch, position: positions[batch.partition]! })
      const isRebuilt = generations.some((each) => each.state === 'building')
      if (isDying() && (state === 'building' || !isRebuilt)) process.kill(process.pid, 'SIGKILL')
      await writer.commit({ ...batch, mutations: [], parked: [] })
    }
  }
  const replacing = <Of extends object>(of: Of, replaced: Partial<Of>): Of =>
    new Proxy(of, {
      get(target, property) {
        const value = Reflect.get(property in replaced ? replaced : target, property) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  return replacing(store, {
    async own(projection, version) {
      const writer = await store.own(projection, version)
      return writer === null ? null : replacing(writer, { commit: apart(projection, writer) })
    },
  })
}
