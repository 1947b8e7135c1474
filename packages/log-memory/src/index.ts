export * from './clock.ts'
export * from './faults.ts'
export { createMemoryLog, MemoryLog, type MemoryLogOptions } from './memory-log.ts'
export { MemoryLogStore, type MemoryLogStoreOptions } from './store.ts'
