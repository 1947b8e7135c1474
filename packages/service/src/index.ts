export * from './log-watch.ts'
export * from './running.ts'
