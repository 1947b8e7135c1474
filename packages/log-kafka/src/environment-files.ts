import { readFileSync } from 'node:fs'

/** A sentence about a variable: what it is, and what to do. Values are left out: any of them may be a secret. */
export function mistake(name: string, what: string, next: string): string {
  return `${name} ${what}: ${next}.`
}

/** The text of a file that a variable names; a problem where it cannot be read. */
export function readNamedFile(name: string, path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'is not there' : code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${code})`
    problems.push(mistake(name, `names the file ${path}, which ${why}`, 'write the path of a file that this process can read'))
    return undefined
  }
}

/** Reads NAME, or the file that NAME_FILE names, as mounted secrets are; the line break at its end does not count. */
export function secretReader(
  variables: Readonly<Record<string, string | boolean | undefined>>,
  problems: string[],
): (name: string) => string | undefined {
  return (name) => {
    const value = variables[name]
    const path = variables[`${name}_FILE`]
    if (value !== undefined && path !== undefined) problems.push(mistake(name, `and ${name}_FILE are both set`, 'leave one of them out'))
    if (value !== undefined || typeof path !== 'string') return value as string | undefined
    const content = readNamedFile(`${name}_FILE`, path, problems)?.replace(/\r?\n$/, '')
    if (content === '') problems.push(mistake(`${name}_FILE`, `names the file ${path}, which is empty`, 'put the value into it'))
    return content
  }
}
