/** The repository's own files, as git knows them, and the imports in them. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { root } from '../support/root.ts'

/** Tracked files and untracked ones that are not ignored, relative to the root, with `/`. */
export const files: readonly string[] = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))

export const sources = files.filter((file) => file.endsWith('.ts') && !file.includes('/generated/'))

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** The module names that a file imports or re-exports, static and dynamic; not those that it computes. */
export function importsOf(file: string, text = read(file)): readonly string[] {
  const { module, program } = parseSync(file, text)
  const names = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => (moduleRequest === null ? [] : [moduleRequest.value])),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest: { end, start } }) => /^(['"])(.*)\1$/.exec(text.slice(start, end))?.[2] ?? []),
  ]
  if (program.body.length === 0 && names.length > 0) throw new Error(`${file} could not be parsed`)
  return names
}
