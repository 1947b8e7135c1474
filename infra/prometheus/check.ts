/** What can be wrong with queries, rules and dashboards, found without a Prometheus. */
import type { SyntaxNode, Tree } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'
import { parse } from 'yaml'

/** The labels of each series that may be queried, by its name. */
export type Series = ReadonlyMap<string, readonly string[]>

const DURATION = /^(\d+(ms|[smhdwy]))+$/
/** Labels that Prometheus adds to every series that it scrapes. */
const SCRAPED = ['job', 'instance']

/**
 * The series that the code makes, read from where it defines them (prom-client): a histogram is three, a counter and a
 * gauge one. `up` is Prometheus' own.
 */
export function seriesOf(sources: readonly string[]): Series {
  const series = new Map<string, readonly string[]>([['up', SCRAPED]])
  for (const source of sources) {
    for (const [, kind, settings] of source.matchAll(/new (Counter|Gauge|Histogram)\(\{([\s\S]*?)\}\)/g)) {
      const name = /name: '([^']+)'/.exec(settings!)?.[1]
      if (name === undefined) continue
      const list = /labelNames: \[([^\]]*)\]/.exec(settings!)?.[1] ?? ''
      const labels = [...SCRAPED, ...[...list.matchAll(/'([^']+)'/g)].map(([, label]) => label!)]
      if (kind !== 'Histogram') series.set(name, labels)
      else
        for (const suffix of ['bucket', 'sum', 'count']) series.set(`${name}_${suffix}`, suffix === 'bucket' ? [...labels, 'le'] : labels)
    }
  }
  return series
}

/** What is wrong with a query: its syntax, a series that nobody makes, a label that none of its series has. */
export function queryProblems(query: string, series: Series): readonly string[] {
  const tree = parser.parse(query)
  const problems: string[] = []
  const used = new Set<string>(SCRAPED)
  const text = ({ from, to }: { readonly from: number; readonly to: number }) => query.slice(from, to)
  each(tree, 'VectorSelector', (selector) => {
    const name = selector.getChild('Identifier')
    const labels = name === null ? undefined : series.get(text(name))
    if (labels === undefined) problems.push(`no metric ${name === null ? text(selector) : text(name)}`)
    for (const label of labels ?? []) used.add(label)
    for (const matcher of childrenOf(selector, 'LabelName'))
      if (labels !== undefined && !labels.includes(text(matcher))) problems.push(`${text(name!)} has no label ${text(matcher)}`)
  })
  each(tree, 'GroupingLabels', (grouping) => {
    for (const label of childrenOf(grouping, 'LabelName'))
      if (!used.has(text(label))) problems.push(`no metric of the query has the label ${text(label)}`)
  })
  tree.iterate({
    enter({ type, from }) {
      if (type.isError) problems.push(`syntax error at ${JSON.stringify(query.slice(from, from + 20))}`)
    },
  })
  return problems
}

function each(tree: Tree, name: string, visit: (node: SyntaxNode) => void): void {
  tree.iterate({
    enter(node) {
      if (node.name === name) visit(node.node)
    },
  })
}

function childrenOf(node: SyntaxNode, name: string): readonly SyntaxNode[] {
  const found: SyntaxNode[] = []
  const cursor = node.cursor()
  do {
    if (cursor.name === name && cursor.from >= node.from && cursor.to <= node.to) found.push(cursor.node)
  } while (cursor.next() && cursor.from < node.to)
  return found
}

interface Rule {
  readonly alert?: string
  readonly expr?: unknown
  readonly for?: unknown
  readonly labels?: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, unknown>>
}

/** What is wrong with a file of alert rules. Every rule must say how urgent it is, what it means and what to do. */
export function ruleProblems(yaml: string, series: Series): readonly string[] {
  const file = parse(yaml) as { readonly groups?: readonly { readonly name?: string; readonly rules?: readonly Rule[] }[] }
  const problems = unknownKeys('the file', file, ['groups'])
  const names = new Set<string>()
  for (const group of file.groups ?? []) {
    problems.push(...unknownKeys(`group ${group.name}`, group, ['name', 'interval', 'rules']))
    for (const rule of group.rules ?? []) {
      const name = rule.alert ?? 'a rule without a name'
      if (names.has(name)) problems.push(`${name}: there are two`)
      names.add(name)
      problems.push(...oneRule(rule, series).map((problem) => `${name}: ${problem}`))
    }
  }
  if (names.size === 0) problems.push('there are no rules')
  return problems
}

function oneRule(rule: Rule, series: Series): readonly string[] {
  const problems = unknownKeys('it', rule, ['alert', 'expr', 'for', 'labels', 'annotations'])
  if (typeof rule.expr === 'string') problems.push(...queryProblems(rule.expr, series))
  else problems.push('it has no expr')
  if (rule.for !== undefined && !(typeof rule.for === 'string' && DURATION.test(rule.for))) problems.push(`${rule.for} is no duration`)
  if (rule.labels?.severity !== 'page' && rule.labels?.severity !== 'ticket') problems.push('severity must be page or ticket')
  for (const key of ['summary', 'description']) if (typeof rule.annotations?.[key] !== 'string') problems.push(`it has no ${key}`)
  return problems
}

function unknownKeys(what: string, object: object, known: readonly string[]): string[] {
  return Object.keys(object).flatMap((key) => (known.includes(key) ? [] : [`${what} has an unknown key ${key}`]))
}

interface Panel {
  readonly id: number
  readonly title: string
  readonly datasource?: { readonly uid?: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource?: { readonly uid?: string } }[]
}

/** What is wrong with a dashboard of Grafana that is to read from the data source `uid`. */
export function dashboardProblems(json: string, series: Series, uid: string): readonly string[] {
  const { panels } = JSON.parse(json) as { readonly panels: readonly Panel[] }
  const problems: string[] = []
  panels.forEach((panel, index) => {
    if (panels.some(({ id }, other) => other < index && id === panel.id)) problems.push(`${panel.title}: its id ${panel.id} is taken`)
    if (panels.some((other, at) => at < index && overlap(panel.gridPos, other.gridPos)))
      problems.push(`${panel.title}: lies over another panel`)
    for (const { datasource, expr } of panel.targets ?? []) {
      if (datasource?.uid !== uid || panel.datasource?.uid !== uid) problems.push(`${panel.title}: reads from another source than ${uid}`)
      problems.push(...queryProblems(expr, series).map((problem) => `${panel.title}: ${problem}`))
    }
  })
  return problems
}

function overlap(a: Panel['gridPos'], b: Panel['gridPos']): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}
