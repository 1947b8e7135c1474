import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, it } from 'vitest'
import { parse } from 'yaml'
import { dashboardProblems, queryProblems, ruleProblems, seriesOf } from './check.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const sources = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'services/*/src/*.ts', 'packages/*/src/*.ts'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))
const series = seriesOf(sources.map(read))
const alerts = read('infra/prometheus/alerts.yml')
const dashboard = read('infra/grafana/dashboards/signalbox.json')

describe('the alert rules', () => {
  it('use what the code measures, and say what to do', () => {
    assert.deepEqual(ruleProblems(alerts, series), [])
  })

  it('are all explained in the docs, with their urgency', () => {
    const { groups } = parse(alerts) as { groups: { rules: { alert: string; labels: { severity: string } }[] }[] }
    const lines = read('docs/running-kafka.md').split('\n')
    for (const { alert, labels } of groups.flatMap(({ rules }) => rules))
      assert.ok(
        lines.some((line) => line.includes(`\`${alert}\``) && line.includes(`| ${labels.severity} |`)),
        alert,
      )
  })

  it.each([
    ['a metric that nobody makes', 'signalbox_partition_phase', 'signalbox_partition_stage', /no metric signalbox_partition_stage/],
    ['a label that it does not have', 'phase="stalled"', 'state="stalled"', /signalbox_partition_phase has no label state/],
    ['a grouping by a label that is not there', 'sum by (code)', 'sum by (cause)', /no metric of the query has the label cause/],
    ['a syntax error', '[1h]))', '[1h)', /syntax error/],
    ['a duration that is none', 'for: 2m', 'for: two minutes', /two minutes is no duration/],
    ['a key that does not exist', 'annotations:', 'annotation:', /unknown key annotation/],
    ['an urgency that nobody listens to', 'severity: page\n', 'severity: urgent\n', /severity must be page or ticket/],
  ])('%s is noticed', (_what, good, bad, problem) => {
    assert.ok(alerts.includes(good))
    assert.match(ruleProblems(alerts.replace(good, bad), series).join('\n'), problem)
  })
})

describe('the dashboard', () => {
  const [source] = (parse(read('infra/grafana/provisioning/datasources/prometheus.yml')) as { datasources: { uid: string }[] }).datasources

  it('shows what the code measures, from the data source that is provisioned', () => {
    assert.deepEqual(dashboardProblems(dashboard, series, source!.uid), [])
  })

  it.each([
    [
      'a metric that nobody makes',
      'signalbox_batch_intents_sum',
      'signalbox_batch_intents_total',
      /no metric signalbox_batch_intents_total/,
    ],
    ['another data source', '"uid": "prometheus"', '"uid": "elsewhere"', /reads from another source/],
    ['a panel over another', '"x": 6,', '"x": 5,', /lies over another panel/],
    ['an id that is taken', '"id": 2,', '"id": 1,', /its id 1 is taken/],
  ])('%s is noticed', (_what, good, bad, problem) => {
    assert.ok(dashboard.includes(good))
    assert.match(dashboardProblems(dashboard.replace(good, bad), series, source!.uid).join('\n'), problem)
  })

  it('shows every metric that the code has', () => {
    const shown = new Set([...dashboard.matchAll(/signalbox_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')))
    const all = new Set([...series.keys()].filter((name) => name !== 'up').map((name) => name.replace(/_(bucket|sum|count)$/, '')))
    assert.deepEqual(
      [...all].filter((name) => !shown.has(name)),
      [],
    )
  })
})

describe('a query', () => {
  it('knows the three series of a histogram', () => {
    const made = seriesOf(["new Histogram({ name: 'x_seconds', help: 'x', labelNames: ['who'], registers })"])
    assert.deepEqual(queryProblems('histogram_quantile(0.9, sum by (le, who) (rate(x_seconds_bucket[1m])))', made), [])
    assert.deepEqual(queryProblems('x_seconds', made), ['no metric x_seconds'])
    assert.deepEqual(queryProblems('x_seconds_sum{le="1"}', made), ['x_seconds_sum has no label le'])
  })
})

describe('prometheus.yml', () => {
  interface Scraped {
    readonly rule_files: readonly string[]
    readonly scrape_configs: readonly {
      readonly job_name: string
      readonly dns_sd_configs: readonly { readonly names: readonly string[]; readonly port: number }[]
    }[]
  }
  const { rule_files, scrape_configs } = parse(read('infra/prometheus/prometheus.yml')) as Scraped
  const compose = parse(read('docker-compose.yml'), { merge: true }) as {
    readonly services: Readonly<Record<string, { readonly environment?: Readonly<Record<string, string>>; readonly restart?: string }>>
  }

  it('reads the rules, and every service of docker-compose.yml at the port that it has there', () => {
    for (const file of rule_files) assert.ok(existsSync(join(root, 'infra/prometheus', file)), file)
    const running = Object.entries(compose.services).filter(
      ([, { environment, restart }]) => environment?.SIGNALBOX_PORT !== undefined && restart !== 'on-failure',
    )
    assert.deepEqual(scrape_configs.map(({ job_name }) => job_name).toSorted(), running.map(([name]) => name).toSorted())
    for (const { job_name, dns_sd_configs } of scrape_configs)
      assert.deepEqual(
        dns_sd_configs.map(({ names, port }) => [...names, `${port}`]),
        [[job_name, compose.services[job_name]!.environment!.SIGNALBOX_PORT]],
      )
  })
})
