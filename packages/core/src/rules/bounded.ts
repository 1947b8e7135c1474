/** A text of at most `maxLength` characters that every store takes, whatever it was: valid Unicode, and without NUL. */
export function bounded(text: string, maxLength: number): string {
  return (text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`).toWellFormed().replaceAll('\u0000', '\ufffd')
}

// A message may repeat what contract code said, or the names in an input: it must not outgrow the record.
export const maxMessageLength = 2_000
