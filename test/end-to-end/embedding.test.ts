/** The program in the docs, as it stands there, in a process of its own. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const page = resolve(import.meta.dirname, '../../docs/embedding.md')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-embedding-'))
  await symlink(resolve(import.meta.dirname, '../node_modules'), join(folder, 'node_modules'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

it('the program of docs/embedding.md prints what the page says, ends by itself, and keeps its log', async () => {
  const text = await readFile(page, 'utf8')
  const [, program] = /```ts\n([\s\S]*?)```/.exec(text) ?? []
  const [, printed] = /It prints `([^`]+)`/.exec(text) ?? []
  await writeFile(join(folder, 'program.ts'), program!)
  const run = async () =>
    await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', 'program.ts'], { cwd: folder, timeout: 60_000 })
  expect((await run()).stdout.trim()).toBe(printed)
  // What was committed is there at the next start: now both are refused.
  expect((await run()).stdout.trim()).toBe(printed!.replace('true', 'false'))
})
