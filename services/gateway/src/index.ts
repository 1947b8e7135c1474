export * from './desk.ts'
export * from './event-stream.ts'
export { createServer, type GatewayServer } from './server.ts'
export * from './wiring.ts'
