/**
 * Finds a key that appears twice in one object of a JSON text. `JSON.parse` keeps the last silently, other languages
 * the first: a text that means two things must not be decided on. The text has passed JSON.parse, so it is well-formed
 * and no deeper than the caller allows.
 */
export function findDuplicateKey(text: string): string | null {
  // One set of keys for each open object, null for each open array.
  const open: (Set<string> | null)[] = []
  let expectsKey = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (character === '"') {
      const end = endOfString(text, index)
      if (expectsKey) {
        const key: string = JSON.parse(text.slice(index, end + 1))
        const keys = open[open.length - 1]!
        if (keys.has(key)) return key
        keys.add(key)
        expectsKey = false
      }
      index = end
    } else if (character === '{') {
      open.push(new Set())
      expectsKey = true
    } else if (character === '[') {
      open.push(null)
      expectsKey = false
    } else if (character === '}' || character === ']') {
      open.pop()
      expectsKey = false
    } else if (character === ',') expectsKey = open[open.length - 1] !== null
  }
  return null
}

function endOfString(text: string, start: number): number {
  let index = start + 1
  while (text[index] !== '"') index += text[index] === '\\' ? 2 : 1
  return index
}
