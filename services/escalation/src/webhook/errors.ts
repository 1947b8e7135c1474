/** The closed set of ways in which this part can be used wrongly. What goes wrong with a delivery is no error: it is a settlement. */
export type WebhookErrorCode =
  /** The settings of a target cannot be used. */
  | 'MISCONFIGURED'
  /** A notification cannot be one: its id, type, time, group or payload does not fit. */
  | 'NOTIFICATION_INVALID'

export class WebhookError extends Error {
  override readonly name = 'WebhookError'
  readonly code: WebhookErrorCode

  /** `message` says what is wrong, with what, and what to do; it never has a secret in it. */
  constructor(code: WebhookErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
