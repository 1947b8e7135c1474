export * from './event-reader.ts'
export * from './read-model.ts'
export * from './restore.ts'
