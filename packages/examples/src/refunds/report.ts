/** A run as a table a person reads, and as a line a program reads. */
import { relative } from 'node:path'
import type { Run } from './run.ts'
import type { WithoutRun } from './without.ts'
import { euros } from './world.ts'

const sorted = (counts: ReadonlyMap<string, number>): (readonly [string, number])[] => [...counts].sort(([a], [b]) => (a < b ? -1 : 1))

/** Whether the run shows what it is to show. */
export function isGood({ replaysEqual, tally }: Run): boolean {
  return (
    replaysEqual &&
    tally.refundedTwice === 0 &&
    tally.mailedTwice === 0 &&
    tally.effectsAfterQuarantine === 0 &&
    tally.effectsUnknown === 0 &&
    tally.effectsUnreported === 0 &&
    tally.escalationsOpen === 0 &&
    tally.escalationsSettled > 0 &&
    tally.escalationsSettledTwice === 0 &&
    tally.verdictsRefused > 0 &&
    tally.contained.size > 0
  )
}

export function reportJson(run: Run): string {
  const { plan, refundedCents, replaysEqual, tally, tookMs } = run
  return JSON.stringify({
    story: 'refunds',
    seed: plan.seed,
    wrong: plan.wrong,
    mistake: plan.mistake,
    verdict: plan.verdict,
    refunded_twice: tally.refundedTwice,
    mailed_twice: tally.mailedTwice,
    refunded_cents: refundedCents,
    effects_after_quarantine: tally.effectsAfterQuarantine,
    effects_unknown_to_the_log: tally.effectsUnknown,
    effects_unreported: tally.effectsUnreported,
    escalations_open: tally.escalationsOpen,
    escalations_settled: tally.escalationsSettled,
    escalations_settled_twice: tally.escalationsSettledTwice,
    verdicts_refused: tally.verdictsRefused,
    contained: Object.fromEntries(sorted(tally.contained)),
    rules: Object.fromEntries(sorted(tally.rules)),
    would_have: tally.wouldHave,
    replays_equal: replaysEqual,
    took_ms: Math.round(tookMs),
    directory: relative(process.cwd(), run.directory) || '.',
  })
}

export function reportText(run: Run): string {
  const { plan, refundedCents, replaysEqual, tally } = run
  const width = Math.max(...[...tally.agents.keys()].map(({ length }) => length), 5)
  const row = (name: string, cells: readonly (string | number)[]) =>
    `  ${name.padEnd(width)}${cells.map((cell) => `${cell}`.padStart(14)).join('')}`
  const counts = (map: ReadonlyMap<string, number>) =>
    sorted(map)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none'
  const { mails, refunds } = tally.wouldHave
  return [
    '',
    row('agent', ['committed', 'rejected', 'asked a human']),
    ...[...tally.agents]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { asked, committed, rejected }]) => row(name, [committed, rejected, asked])),
    '',
    `  gone wrong                   ${plan.wrong} (${plan.mistake})`,
    `  stopped                      ${counts(tally.contained)}`,
    `  they would have gone out     ${refunds} refunds, ${mails} mails`,
    `  refunded, by the bank        ${euros(refundedCents)}; twice: ${tally.refundedTwice}`,
    `  mailed twice                 ${tally.mailedTwice}`,
    `  effects after a quarantine   ${tally.effectsAfterQuarantine}`,
    `  effects no commit asked for  ${tally.effectsUnknown}`,
    `  effects unreported           ${tally.effectsUnreported}`,
    `  escalations                  ${tally.escalationsSettled} settled once, ${tally.escalationsSettledTwice} twice, ${tally.escalationsOpen} open`,
    `  verdicts refused             ${tally.verdictsRefused}, as the world had moved`,
    `  by rule                      ${counts(tally.rules)}`,
    `  the log, decided again       ${replaysEqual ? 'equal' : 'DIFFERENT'}`,
    '',
    '  try next',
    ...tryNext(run).map((command) => `    ${command}`),
    '',
  ].join('\n')
}

function tryNext({ directory, tally }: Run): readonly string[] {
  const command = (text: string) => `npm run signalbox -- ${text} --log sqlite --data-dir ${relative(process.cwd(), directory) || '.'}`
  const list = command('intent list --outcome rejected --limit 10')
  const first = tally.stopped === null ? list : command(`intent explain ${tally.stopped.intentId}`)
  return [first, command('audit'), command('resource history customer-2 refund/2')]
}

export function withoutJson({ mailedTwice, plan, refundedCents, refundedTwice, refundsNeverDue }: WithoutRun): string {
  return JSON.stringify({
    story: 'refunds',
    without: true,
    seed: plan.seed,
    wrong: plan.wrong,
    mistake: plan.mistake,
    refunded_twice: refundedTwice,
    refunds_never_due: refundsNeverDue,
    mailed_twice: mailedTwice,
    refunded_cents: refundedCents,
  })
}

export function withoutText({ mailedTwice, plan, refundedCents, refundedTwice, refundsNeverDue }: WithoutRun): string {
  return [
    '',
    `  without a coordinator        ${plan.wrong} goes wrong (${plan.mistake})`,
    `  refunded, by the bank        ${euros(refundedCents)}; twice: ${refundedTwice}; never due: ${refundsNeverDue}`,
    `  mailed twice                 ${mailedTwice}`,
    '',
  ].join('\n')
}
