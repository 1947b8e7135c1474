export { type PersonalData, personalData } from './edge.ts'
export { KeyStoreError, type KeyStoreErrorCode } from './errors.ts'
export { createFileKeyStore, openFileKeyStore } from './file-key-store.ts'
export type { KeyStore, SubjectKey } from './key-store.ts'
