export { MemoryStore } from './memory-store.ts'
export { Mutex } from './mutex.ts'
export * from './store.ts'
