/** `signalbox projection new`: writes a projection that works, and its tests, which pass as they are. */
import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { makeFolder, replaceFile } from '@signalbox/files'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { checkFilter } from '../names.ts'
import { printOne } from '../output.ts'
import { projectionsOf } from '../projections.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { projectionTemplate, testTemplate } from '../templates/projection.ts'

export interface NewProjectionFlags {
  readonly type?: string
  readonly directory?: string
}

export function newProjection(settings: Settings, name: string, { directory = 'projections', type }: NewProjectionFlags): number {
  if (!/^[a-z][a-z0-9-]{0,23}$/.test(name))
    throw new CommandError('usage', `a projection's name is 1 to 24 lower-case letters, digits and dashes, a letter first, not ${name}`)
  if (type !== undefined && settings.config !== null) checkFilter(contractsOf(settings), { type })
  if (projectionsOf(settings).some((each) => each.name === name))
    throw new CommandError('usage', `there is a projection ${name} already; choose another name`)
  const folder = resolve(directory)
  const files = [
    { file: join(folder, `${name}.ts`), text: projectionTemplate(name, type ?? null) },
    { file: join(folder, `${name}.test.ts`), text: testTemplate(name, type ?? null) },
  ]
  const taken = files.find(({ file }) => existsSync(file))
  if (taken !== undefined) throw new CommandError('usage', `${taken.file} is there already; nothing was written`)
  makeFolder(folder)
  for (const { file, text } of files) replaceFile(file, text, { isNew: true })
  const written = files.map(({ file }) => relative(process.cwd(), file))
  printOne(settings.output, { written }, () =>
    [
      ...written.map((file) => `wrote ${file}`),
      'next: run its tests with vitest, and list it in signalbox.config.ts:',
      `  import { projection as ${camelCase(name)} } from './${written[0]}'`,
      `  export default defineConfig({ ..., projections: [${camelCase(name)}] })`,
    ].join('\n'),
  )
  return exitCodes.ok
}

function camelCase(name: string): string {
  return name.replace(/-+([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase()).replaceAll('-', '')
}
