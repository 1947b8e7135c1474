export * from './ingest.ts'
export { runIngest } from './main.ts'
