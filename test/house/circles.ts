/** Files that import each other in a circle. Imports of types count: who reads one file has to read them all. */
import { dirname, join, normalize } from 'node:path'

/** The relative imports of each file, as paths from the root. */
export type Imports = ReadonlyMap<string, readonly string[]>

export function relativeImports(files: readonly string[], importsOf: (file: string) => readonly string[]): Imports {
  const targets = (file: string) =>
    importsOf(file)
      .filter((imported) => imported.startsWith('.'))
      .map((imported) => normalize(join(dirname(file), imported)))
  return new Map(files.map((file) => [file, targets(file)]))
}

/** The shortest way from a file back to itself; null where none leads back. */
function wayBack(imports: Imports, file: string): readonly string[] | null {
  const from = new Map<string, string>()
  const open = [file]
  for (const at of open) {
    for (const to of imports.get(at) ?? []) {
      if (to === file) {
        const way = [file]
        for (let step = at; step !== file; step = from.get(step)!) way.push(step)
        return [...way, file].reverse()
      }
      if (from.has(to)) continue
      from.set(to, at)
      open.push(to)
    }
  }
  return null
}

/** One circle for each file that is in one: `a.ts > b.ts > a.ts`. */
export function circlesIn(imports: Imports): readonly string[] {
  return [...imports.keys()].flatMap((file) => wayBack(imports, file)?.join(' > ') ?? [])
}
