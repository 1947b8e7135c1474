import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where distributions keep them, off the path. */
const KEPT_IN = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']

/** The folder with `initdb` and `postgres`, the newest where there are several; null where there is none. */
export function postgresBinaries(path = process.env.PATH ?? '', keptIn: readonly string[] = KEPT_IN): string | null {
  const kept = keptIn.flatMap((folder) => (existsSync(folder) ? versionsIn(folder) : []))
  return [...path.split(delimiter).filter(Boolean), ...kept].find(hasServer) ?? null
}

function versionsIn(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => /^(postgresql@)?\d+$/.test(name))
  const number = (name: string) => Number(/\d+$/.exec(name)?.[0])
  return names.sort((a, b) => number(b) - number(a)).map((name) => join(folder, name, 'bin'))
}

function hasServer(folder: string): boolean {
  return ['initdb', 'postgres'].every((name) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
