/** The table of what coordination saves says what the benchmark gives, and the benchmark what was aimed at. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { benchWastedWork, workload } from './wasted-work.ts'

const root = resolve(import.meta.dirname, '../..')
const { results } = benchWastedWork()
const rows = results.map(
  ({ ratio_to_retry, strategy, useful_commits, waiting_minutes, wasted_minutes_per_commit }) =>
    `| ${strategy} | ${useful_commits} | ${wasted_minutes_per_commit.toFixed(2)} | ${Math.round(100 * ratio_to_retry)} % | ${Math.round(waiting_minutes)} |`,
)
const head = ["| how | useful commits | wasted minutes a commit | of retry's | minutes waited |", '| --- | --- | --- | --- | --- |']
const table = [...head, ...rows].join('\n')

it.each(['README.md', 'docs/coordination.md'])('%s has the table', (name) => {
  const file = resolve(root, name)
  const between = /(<!-- wasted-work -->\n)[\s\S]*?(\n<!-- end -->)/
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, readFileSync(file, 'utf8').replace(between, `$1${table}$2`))
  expect(readFileSync(file, 'utf8')).toContain(`<!-- wasted-work -->\n${table}\n<!-- end -->`)
})

it('reservations and watching waste at most a fifth of what plain retrying wastes', () => {
  const [retry, ...others] = results
  expect(retry!.wasted_minutes).toBeGreaterThan(1_000)
  for (const { ratio_to_retry } of others) expect(ratio_to_retry).toBeLessThanOrEqual(0.2)
})

it('the same seed gives the same figures, another seed others', () => {
  const short = { ...workload, hours: 2 }
  expect(benchWastedWork(short)).toEqual(benchWastedWork(short))
  expect(benchWastedWork({ ...short, seed: 2 }).results).not.toEqual(benchWastedWork(short).results)
})
