export * from './chain.ts'
export * from './codec.ts'
export * from './framing.ts'
export { canonicalForm, eventType, intentType, type RecordName, type RecordType } from './types.ts'
