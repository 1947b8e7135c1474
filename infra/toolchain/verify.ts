/** Everything that must hold before a change lands: generated files, format and lint, types, tests. Stops at the first that does not. */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const steps: readonly (readonly [string, ...string[]])[] = [
  ['infra/generate/records.ts', '--check'],
  ['node_modules/@biomejs/biome/bin/biome', 'check', '.'],
  ['infra/toolchain/test.ts'],
]

for (const [file, ...parameters] of steps) {
  process.stderr.write(`verify: ${file} ${parameters.join(' ')}\n`)
  const { status } = spawnSync(process.execPath, [join(root, file), ...parameters], { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    process.stderr.write(`verify: ${file} failed; the lines above say why\n`)
    process.exit(status ?? 1)
  }
}
