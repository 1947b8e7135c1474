/** The closed set of codes with which a packet is refused. */
export const packetErrorCodes = [
  /** The budget is no budget: positive whole numbers of tokens and bytes. */
  'BUDGET_INVALID',
  /** What is required, with the frame and the count of what is left out, does not fit. `needed` says what would. */
  'BUDGET_IMPOSSIBLE',
  /** A field of the input has no allowed value. */
  'INPUT_INVALID',
  /** More candidates, or more bytes of them, than one packet is compiled from. */
  'TOO_MANY_CANDIDATES',
  /** Two candidates have one reference and say different things. */
  'CANDIDATES_CONTRADICT',
  /** Something required, or named by the task, is not among the candidates. */
  'REFERENCE_UNKNOWN',
  /** The tokenizer is none that is known here. */
  'TOKENIZER_UNKNOWN',
  /** The packet is not what its digest says. */
  'PACKET_ALTERED',
  /** The view that was asked for versions has not come as far as the packet. */
  'VIEW_BEHIND',
] as const
export type PacketErrorCode = (typeof packetErrorCodes)[number]

/** Tokens of the tokenizer in use, and bytes of UTF-8; both of the rendered text. */
export interface Size {
  readonly tokens: number
  readonly bytes: number
}

/** A packet that cannot be compiled or used; the message says what happened, to what, and what to do next. */
export class PacketError extends Error {
  override readonly name = 'PacketError'
  readonly code: PacketErrorCode
  /** The smallest budget that would have done; only with BUDGET_IMPOSSIBLE. */
  readonly needed: Size | null

  constructor(code: PacketErrorCode, message: string, options?: { cause?: unknown; needed?: Size }) {
    super(message, options)
    this.code = code
    this.needed = options?.needed ?? null
  }
}
