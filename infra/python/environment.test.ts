import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../kafka/command.ts'
import { pythonWithPackages } from './environment.ts'

const timeout = 10 * 60_000
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-python-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** `name==version` of every line, by the names that pip compares. */
function pinsOf(text: string): readonly string[] {
  const pins = [...text.matchAll(/^([\w.-]+)(?:\[[\w,]+\])?==(\S+)$/gm)]
  return pins.map(([, name, version]) => `${name!.toLowerCase().replaceAll(/[-_.]+/g, '-')}==${version}`).sort()
}

describe('the virtual environment', { timeout }, () => {
  it('is made once for all who ask, and has the pinned packages and no others', async () => {
    const [python, again] = await Promise.all([pythonWithPackages(), pythonWithPackages()])
    expect(again).toBe(python)
    const frozen = await runCommand(python, ['-m', 'pip', '--disable-pip-version-check', 'freeze'], timeout)
    const files = ['requirements.txt', '../../packages/examples/python/requirements.txt']
    const pinned = files.flatMap((file) => pinsOf(readFileSync(join(import.meta.dirname, file), 'utf8')))
    expect(pinsOf(frozen!.output)).toEqual(pinned.sort())
    const imported = await runCommand(python, ['-c', 'import confluent_kafka.schema_registry.avro, fastavro'], timeout)
    expect(imported!.exitCode).toBe(0)
  })

  it('wants Python 3.11 or later, and says so', async () => {
    const nowhere = join(folder, 'no-python-here')
    await expect(pythonWithPackages({ commands: [nowhere] })).rejects.toThrow(/^Python 3\.11 or later is needed here\. Install Python/)
    const old = script('old', 'echo 3.10.4; echo /somewhere/python3')
    await expect(pythonWithPackages({ commands: [nowhere, old] })).rejects.toThrow(
      /is needed here, and \S+old is 3\.10\.4\. Install Python/,
    )
  })

  it('says what to install where Python came without venv, and leaves nothing that looks finished', async () => {
    const bare = script(
      'bare',
      `case "$*" in *venv*) echo 'ensurepip is not available' >&2; exit 1;; *) echo 3.11.2; echo /somewhere/python3;; esac`,
    )
    const cacheDir = join(folder, 'cache')
    await expect(pythonWithPackages({ commands: [bare], cacheDir })).rejects.toThrow(
      /could not make a virtual environment \(exit code 1\)[\s\S]*ensurepip is not available\nInstall Python 3\.11 or later with its venv module \(Debian: apt-get install python3-venv/,
    )
    expect(readdirSync(cacheDir)).toEqual([])
  })
})

/** Stands for a Python that this machine does not have. */
function script(name: string, body: string): string {
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  return file
}
