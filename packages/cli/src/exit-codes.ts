/** What a command's end says to a script. */
export const exitCodes = {
  ok: 0,
  bug: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  rejected: 5,
  timedOut: 6,
  waitingForHuman: 7,
  /** What was checked is otherwise than it should be. */
  differs: 8,
} as const

/** An end of a command that is no bug: the message says what happened and what to do next. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(exit: keyof typeof exitCodes, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.exitCode = exitCodes[exit]
  }
}
