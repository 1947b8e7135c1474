/** A move that cannot be begun, or did not end: the message says of what, how far it came, and what to do. */
export class GenerationError extends Error {
  override readonly name = 'GenerationError'
}
