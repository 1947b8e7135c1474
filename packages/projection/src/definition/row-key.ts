/** The key of a row that belongs to a scope: parts joined by `/`, with those in a part written as `%2F`. */
export function rowKey(...parts: readonly string[]): string {
  return parts.map((part, index) => (index === parts.length - 1 ? part : part.replaceAll('%', '%25').replaceAll('/', '%2F'))).join('/')
}
