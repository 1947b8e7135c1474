/** What was thrown, as text. Anything can be thrown, and what is thrown may throw when it is looked at. */
export function thrownText(cause: unknown): string {
  try {
    return `${cause instanceof Error ? cause.message : String(cause)}`
  } catch {
    return 'something that has no text'
  }
}
