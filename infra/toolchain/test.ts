/**
 * The test command: type check, then every test, on real Kafka and SQLite. Ends with the line `N passed, N failed`.
 * With arguments, they go to vitest (`npm test -- packages/core`), and the type check is left out.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const parameters = process.argv.slice(2)

function run(file: string, ...rest: string[]): number {
  return spawnSync(process.execPath, [join(root, file), ...rest], { cwd: root, stdio: 'inherit' }).status ?? 1
}

if (parameters.length === 0 && run('node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json') !== 0) {
  process.stdout.write('0 passed, 1 failed\n')
  process.exit(1)
}
const directory = mkdtempSync(join(tmpdir(), 'signalbox-test-'))
try {
  const report = join(directory, 'report.json')
  const status = run(
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...parameters,
  )
  const { numFailedTests, numPassedTests, numTotalTestSuites, success } = JSON.parse(readFileSync(report, 'utf8')) as {
    numFailedTests: number
    numPassedTests: number
    numTotalTestSuites: number
    success: boolean
  }
  // A file that fails to load has no failed test, but it has failed.
  const failed = success && status === 0 ? numFailedTests : Math.max(1, numFailedTests)
  process.stdout.write(`${numTotalTestSuites} suites\n${numPassedTests} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 && numPassedTests > 0 ? 0 : 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
