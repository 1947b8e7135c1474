export * from './explain-decision.ts'
export * from './known-names.ts'
export * from './lists.ts'
export * from './present.ts'
