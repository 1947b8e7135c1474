export * from './clock.ts'
export * from './errors.ts'
export * from './port.ts'
export * from './snapshots.ts'
