/** The stores of the proof, and one with a bug. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgresStore, openSqliteStore, type ProjectionStore, type ProjectionWriter } from '@signalbox/projection'

/** A store by its address: `postgres://...#SCHEMA`, or the folder of a SQLite file. */
export async function openStore(address: string): Promise<ProjectionStore> {
  if (!address.startsWith('postgres://')) return openSqliteStore({ directory: address })
  const url = new URL(address)
  const schema = url.hash.slice(1)
  url.hash = ''
  return await openPostgresStore({ url: url.href, schema })
}

const betweenMs = 5

/** Commits rows in one transaction and the position in the next: who dies in between folds them once more. */
export function commitApart(store: ProjectionStore): ProjectionStore {
  const apart = (writer: ProjectionWriter): ProjectionWriter['commit'] => {
    return async (batch) => {
      await writer.commit({ ...batch, position: { ...batch.position, logOffset: batch.fromOffset } })
      await sleep(betweenMs)
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
      return writer === null ? null : replacing(writer, { commit: apart(writer) })
    },
  })
}
