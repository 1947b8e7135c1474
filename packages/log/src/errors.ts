/** The closed set of ways in which a log can fail. Adapters map every fault of their engine onto these. */
export type LogErrorCode =
  /** Another owner has opened the partition. Give it up; never retry. */
  | 'FENCED'
  /** The log is owned by another process (embedded log only). */
  | 'OWNED'
  /** The log starts after, or ends before, the wanted offset. */
  | 'OFFSET_OUT_OF_RANGE'
  /** Stored bytes are damaged. Never retry; restore from a copy. */
  | 'CORRUPT'
  /** No space left. Nothing was acknowledged that is not durable. */
  | 'FULL'
  /** The record is larger than the log takes. */
  | 'TOO_LARGE'
  /** The batch or record may or may not be in the log. */
  | 'OUTCOME_UNKNOWN'
  /** The engine is away or busy; the same call may go through later. */
  | 'TRANSIENT'
  /** The log, cursor or writer was closed. */
  | 'CLOSED'
  /** The log's settings do not fit this call: a wrong partition count, a topic that does not exist, another format. */
  | 'MISCONFIGURED'

export class LogError extends Error {
  override readonly name = 'LogError'
  readonly code: LogErrorCode

  /** `message` says what happened, to what, and what to do next; `cause` keeps the engine's own error. */
  constructor(code: LogErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

export function isLogError(error: unknown, ...codes: readonly LogErrorCode[]): error is LogError {
  return error instanceof LogError && (codes.length === 0 || codes.includes(error.code))
}
