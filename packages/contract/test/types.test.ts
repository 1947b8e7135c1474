/** What must not compile. Each marked line of the fixture must be an error of the compiler, and no other line may be. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')

it('a wrong state, action, field or type does not compile', () => {
  const fixture = join(import.meta.dirname, 'wrong-contracts.does-not-compile.ts')
  const compiled = join(import.meta.dirname, `wrong-contracts.${process.pid}.tmp.ts`)
  copyFileSync(fixture, compiled)
  try {
    const flags = [
      '--noEmit',
      '--strict',
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--allowImportingTsExtensions',
      '--skipLibCheck',
      '--exactOptionalPropertyTypes',
      '--types',
      'node',
      '--ignoreConfig',
    ]
    const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, compiled], {
      encoding: 'utf8',
      cwd: root,
    })
    const reported = [...new Set([...stdout.matchAll(/tmp\.ts\((\d+),/g)].map(([, line]) => Number(line)))]
    const expected = readFileSync(fixture, 'utf8')
      .split('\n')
      .flatMap((line, index) => (line.includes('// wrong') ? [index + 1] : []))
    expect(reported, stdout).toEqual(expected)
    expect(expected.length).toBeGreaterThan(8)
  } finally {
    rmSync(compiled)
  }
})
