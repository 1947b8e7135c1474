/** A text of at most `maxLength` characters, valid Unicode whatever it was. */
export function bounded(text: string, maxLength: number): string {
  return (text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`).toWellFormed()
}
