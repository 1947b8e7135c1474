export * from './desk.ts'
export * from './event-stream.ts'
export { createServer } from './server.ts'
export * from './wiring.ts'
