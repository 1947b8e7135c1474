/** A contract that cannot work; the message says where, what is wrong, and what to do. */
export class ContractError extends Error {
  override readonly name = 'ContractError'
  /** Where: `refund@1`, or `refund@1, action pay, guard`. */
  readonly where: string

  constructor(where: string, message: string, options?: { cause?: unknown }) {
    super(`contract ${where}: ${message}`, options)
    this.where = where
  }
}
