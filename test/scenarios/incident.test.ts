/**
 * docs/incident.md, run: each command of it in the folder of the example, with its very output; the export is made anew and is the one
 * that is there; the test that it ends with fails by the old contract and passes by the new one.
 * `UPDATE_GOLDEN=1 npm test -- test/scenarios/incident.test.ts` writes export and outputs anew.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/root.ts'
import { makeIncident } from './incident/make.ts'

const page = join(root, 'docs/incident.md')
const example = join(root, 'packages/examples/src/incident')
const main = join(root, 'packages/cli/src/main.ts')
const isUpdate = process.env.UPDATE_GOLDEN === '1'
let folder = ''

beforeAll(() => {
  // In its package, so that what it imports is found; git does not see it.
  folder = mkdtempSync(join(root, 'packages/examples/scratch-'))
  cpSync(example, folder, { recursive: true })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(command: string): string {
  // Words, with quotes around those that hold spaces.
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
  const { KAFKA_BROKERS: _brokers, ...environment } = process.env
  const { stderr, stdout } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...words.slice(1)], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...environment, NO_COLOR: '1' },
  })
  expect(stdout, stderr).not.toBe('')
  // Where it was run is nobody's business.
  return stdout.replaceAll(`${folder}/`, '').trimEnd()
}

const block = /```console\n\$ ([^\n]+)\n([\s\S]*?)```/g

describe('docs/incident.md', () => {
  it('has the log that is made anew', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'signalbox-incident-')), 'order-7.jsonl')
    await makeIncident(file)
    const made = readFileSync(file, 'utf8')
    if (isUpdate) writeFileSync(join(example, 'order-7.jsonl'), made)
    expect(readFileSync(join(example, 'order-7.jsonl'), 'utf8')).toBe(made)
    rmSync(join(file, '..'), { recursive: true })
  })

  it('has commands that say what it says they do', () => {
    const text = readFileSync(page, 'utf8')
    const commands = [...text.matchAll(block)]
    expect(commands.length).toBeGreaterThan(9)
    const said = new Map(commands.map(([, command]) => [command!, run(command!)]))
    const written = text.replaceAll(block, (_, command: string) => `\`\`\`console\n$ ${command}\n${said.get(command)}\n\`\`\``)
    if (isUpdate) writeFileSync(page, written)
    expect(written).toBe(readFileSync(page, 'utf8'))
  }, 120_000)

  it('ends with a test that fails by the contract of that day, and passes by the mended one', () => {
    const intent = '01a21758-1be0-7000-8000-000000000007'
    run(`signalbox replay test order-7.jsonl --intent ${intent} --out order-7.test.ts`)
    const file = join(folder, 'order-7.test.ts')
    const pinned = readFileSync(file, 'utf8')
    expect(pinned).toContain(`it('${intent} is committed'`)
    expect(runTest().status).toBe(0)
    const [, wanted] = /```ts\n([\s\S]*?)```/.exec(readFileSync(page, 'utf8'))!
    writeFileSync(file, pinned.replace(/ {2}it\('01a21758[\s\S]*?\n {2}\}\)\n/, wanted!))
    expect(runTest().status).toBe(1)
    const config = readFileSync(join(folder, 'signalbox.config.ts'), 'utf8')
    writeFileSync(
      join(folder, 'signalbox.config.ts'),
      config.replace(
        "import { order, refund } from './contracts.ts'",
        "import { order } from './contracts.ts'\nimport { refund } from './mended.ts'",
      ),
    )
    // What follows from the approval is decided on the state that the log records: it stands as it was.
    const mended = runTest()
    expect(mended.status, mended.stdout + mended.stderr).toBe(0)
  }, 120_000)
})

function runTest() {
  writeFileSync(join(folder, 'vitest.config.mjs'), 'export default {}\n')
  const parameters = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, '--config', join(folder, 'vitest.config.mjs')]
  return spawnSync(process.execPath, parameters, { encoding: 'utf8', cwd: folder, env: { ...process.env, NO_COLOR: '1' } })
}
