export * from './agent.ts'
export * from './coordinator.ts'
export * from './errors.ts'
export * from './http.ts'
