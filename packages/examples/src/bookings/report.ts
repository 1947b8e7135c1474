/** The result of a run as a person reads it, and as one JSON line. */
import type { Tally } from './tally.ts'

export interface Timing {
  readonly decisionsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export function percentile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return 0
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]! * 1_000) / 1_000
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map(
      (row) =>
        `  ${row
          .map((cell, column) =>
            column === 0 || column === row.length - 1 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
          )
          .join('  ')
          .trimEnd()}`,
    )
    .join('\n')
}

const shown = 12

export function reportText(tally: Tally, timing: Timing, commands: readonly string[]): string {
  const agents = [...tally.agents].sort(([, a], [, b]) => b.asked - a.asked)
  const rest = agents.slice(shown)
  const reasons = (rejected: ReadonlyMap<string, number>) =>
    [...rejected]
      .sort(([, a], [, b]) => b - a)
      .map(([reason, count]) => `${number(count)} ${reason}`)
      .join(', ')
  const row = (name: string, asked: number, committed: number, rejected: ReadonlyMap<string, number>) => [
    name,
    number(asked),
    number(committed),
    number(asked - committed),
    reasons(rejected),
  ]
  const rows = agents.slice(0, shown).map(([name, agent]) => row(name, agent.asked, agent.committed, agent.rejected))
  if (rest.length > 0) {
    const rejected = new Map<string, number>()
    for (const [, agent] of rest) for (const [reason, count] of agent.rejected) rejected.set(reason, (rejected.get(reason) ?? 0) + count)
    rows.push(
      row(
        `${rest.length} more agents`,
        rest.reduce((sum, [, { asked }]) => sum + asked, 0),
        rest.reduce((sum, [, { committed }]) => sum + committed, 0),
        rejected,
      ),
    )
  }
  return [
    '',
    columns([['agent', 'asked', 'committed', 'rejected', 'why'], ...rows, row('all', tally.intents, tally.committed, tally.rejected)]),
    '',
    `  nights at capacity  ${number(tally.nightsAtCapacity)} of ${number(tally.nights)}`,
    `  oversold nights     ${number(tally.oversoldNights)}`,
    `  decisions a second  ${number(timing.decisionsPerSecond)}   (an agent waited ${timing.p50Ms} ms at the median, ${timing.p99Ms} ms at the 99th percentile)`,
    '',
    '  try next',
    ...commands.map((command) => `    ${command}`),
    '',
  ].join('\n')
}

export function reportJson(tally: Tally, timing: Timing, more: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    intents: tally.intents,
    committed: tally.committed,
    rejected: Object.fromEntries([...tally.rejected].sort(([a], [b]) => (a < b ? -1 : 1))),
    agents: tally.agents.size,
    nights: tally.nights,
    nights_at_capacity: tally.nightsAtCapacity,
    oversold_nights: tally.oversoldNights,
    decisions_per_s: timing.decisionsPerSecond,
    p50_ms: timing.p50Ms,
    p99_ms: timing.p99Ms,
    ...more,
  })
}
