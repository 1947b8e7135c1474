export type ClientErrorCode =
  /** No gateway answered at the address. */
  | 'UNREACHABLE'
  /** No decision, or no state as new as asked for, within the time given. The intent may still be decided. */
  | 'TIMED_OUT'
  /** The gateway refused the request itself. */
  | 'REFUSED'
  /** The gateway answered with something that is no answer of a gateway. */
  | 'PROTOCOL'

export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientErrorCode
  /** The gateway's own code, where it refused. */
  readonly problem: string | null

  constructor(code: ClientErrorCode, message: string, options?: { cause?: unknown; problem?: string }) {
    super(message, options)
    this.code = code
    this.problem = options?.problem ?? null
  }
}
