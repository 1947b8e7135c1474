export * from './listen.ts'
export * from './operations.ts'
export * from './problems.ts'
