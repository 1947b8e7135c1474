import { MemoryStore } from '@signalbox/projection-store'
import type { ConformanceStore } from '@signalbox/projection-store/conformance'

export async function makeMemoryStore(store = new MemoryStore()): Promise<ConformanceStore> {
  return {
    store,
    reopen: async () => store,
    async overtake(projection, version) {
      store.expire(projection, version)
      await store.own(projection, version)
    },
    destroy: () => store.close(),
  }
}
