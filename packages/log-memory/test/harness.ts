import type { Log } from '@signalbox/log'
import type { LogHarness } from '@signalbox/log/conformance'
import { createMemoryLog, type MemoryLogOptions, MemoryLogStore, type MemoryLogStoreOptions } from '@signalbox/log-memory'

export interface MemoryHarnessOptions {
  readonly createStore?: (options: MemoryLogStoreOptions) => MemoryLogStore
  readonly log?: Omit<MemoryLogOptions, 'store'>
  readonly store?: MemoryLogStoreOptions
  readonly patienceMs?: number
  /** Puts something between the suite and the log. */
  readonly wrap?: (log: Log) => Log
}

const MAX_RECORD_BYTES = 1024 * 1024

export function memoryHarness(options: MemoryHarnessOptions = {}): LogHarness {
  const createStore = options.createStore ?? ((storeOptions) => new MemoryLogStore(storeOptions))
  const wrap = options.wrap ?? ((log) => log)
  return {
    manyProcesses: true,
    keepsSnapshots: true,
    keepsIndex: true,
    hasReader: false,
    deletesRecords: true,
    tooLargeBytes: MAX_RECORD_BYTES + 1,
    patienceMs: options.patienceMs ?? 5_000,
    async createStore({ partitionCount }) {
      const store = createStore({ maxRecordBytes: MAX_RECORD_BYTES, ...options.store, partitionCount })
      return {
        open: async () => wrap(createMemoryLog({ ...options.log, store })),
        deleteRecordsBefore: async (topic, partition, offset) => store.topic(topic, partition).deleteBefore(offset),
        destroy: async () => undefined,
      }
    },
  }
}
