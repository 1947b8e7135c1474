import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

function simulate(...parameters: readonly string[]) {
  const run = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'simulate.ts'), ...parameters],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  )
  return { status: run.status, stdout: run.stdout, stderr: run.stderr, json: () => JSON.parse(run.stdout.trim().split('\n').at(-1)!) }
}

test('prints its figures as one line of JSON', () => {
  const run = simulate('--seeds', '5', '--from', '100')
  expect(run.stderr).toBe('')
  expect(run.status).toBe(0)
  expect(run.stdout.trim().split('\n')).toHaveLength(1)
  const figures = run.json()
  expect(figures).toMatchObject({ seeds: 5, violations: 0, failed_seeds: [] })
  for (const name of ['intents', 'decisions', 'crashes', 'faults', 'seeds_per_s']) expect(figures[name], name).toBeGreaterThan(0)
})

test('a failure prints its seed, and the command that it prints replays it', () => {
  const bug = 'dead letters are dropped'
  const failed = simulate('--seeds', '5', '--planted', bug)
  expect(failed.status).toBe(1)
  const { failed_seeds: seeds, violations } = failed.json()
  expect(violations).toBeGreaterThan(0)
  const printed = /replay it with: npm run simulate -- (--seed (\d+) --trace --planted '(.*)')$/m.exec(failed.stderr)!
  expect(Number(printed[2])).toBe(seeds[0])
  const replays = [1, 2].map(() => simulate('--seed', printed[2]!, '--trace', '--planted', printed[3]!))
  for (const replay of replays) {
    expect(replay.status).toBe(1)
    expect(replay.json().failed_seeds).toEqual([seeds[0]])
    // The very violation, at the end of the very trace.
    expect(replay.stderr).toContain(/^seed .*: dead letters: .*$/m.exec(failed.stderr)![0])
  }
  expect(replays[0]!.stderr).toBe(replays[1]!.stderr)
})

test.each([
  ['--seeds', 'many'],
  ['--seed', '-1'],
  ['--sedes', '1'],
  ['--planted', 'no such bug'],
])('refuses %s %s', (...parameters) => {
  const run = simulate(...parameters)
  expect(run.status).toBe(2)
  expect(run.stdout).toBe('')
  expect(run.stderr).toMatch(/^simulate: /)
})
