/** The closed set of ways in which a projection can fail. Stores map every fault of their engine onto these. */
export type ProjectionErrorCode =
  /** The definition cannot be; the message says where. */
  | 'DEFINITION_INVALID'
  /** Another owner has taken the projection over. Give it up; never retry. */
  | 'FENCED'
  /** The generation was replaced or dropped, or a newer version of the projection is live. */
  | 'SUPERSEDED'
  /** A generation that lies behind the live one cannot take its place. Nothing was changed. */
  | 'NOT_CAUGHT_UP'
  /** More events are parked than the projection allows; it stops until some are retried. */
  | 'TOO_MANY_PARKED'
  /** There is no such projection, table or generation in the store. */
  | 'NOT_FOUND'
  /** The store or its settings do not fit: another format, another log, no right. */
  | 'MISCONFIGURED'
  /** What is stored contradicts itself. Rebuild the projection. */
  | 'CORRUPT'
  /** The store is away or busy, or it is not known whether a transaction went through: own the projection anew and read. */
  | 'UNAVAILABLE'
  /** The store was closed. */
  | 'CLOSED'

export class ProjectionError extends Error {
  override readonly name = 'ProjectionError'
  readonly code: ProjectionErrorCode

  /** `message` says what happened, to what, and what to do next; `cause` keeps the engine's own error. */
  constructor(code: ProjectionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

export function isProjectionError(error: unknown, ...codes: readonly ProjectionErrorCode[]): error is ProjectionError {
  return error instanceof ProjectionError && (codes.length === 0 || codes.includes(error.code))
}
