export type KeyStoreErrorCode =
  /** There is no key store where one should be. */
  | 'MISSING'
  /** There is one already where a new one should be. */
  | 'EXISTS'
  /** What lies there is no key store, or was changed. */
  | 'DAMAGED'
  /** The disk or its rights refuse. */
  | 'UNAVAILABLE'

export class KeyStoreError extends Error {
  override readonly name = 'KeyStoreError'
  readonly code: KeyStoreErrorCode

  /** `message` says what happened, to what, and what to do next. It holds no key. */
  constructor(code: KeyStoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
