export * from './bookings-file.ts'
export * from './contracts.ts'
export * from './intents.ts'
