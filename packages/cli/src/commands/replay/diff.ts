/** `signalbox replay diff`: what other contracts would have decided of the same intents. */
import { type Diff, diffLog, type Flip } from '@signalbox/replay'
import { exitCodes } from '../../exit-codes.ts'
import { withSource } from '../../logs.ts'
import { wholeNumber } from '../../numbers.ts'
import { printOne, say, style } from '../../output.ts'
import { readerRules } from '../../rules.ts'
import type { Settings } from '../../settings.ts'
import { candidateRules, loadCandidate } from './candidate.ts'

export interface DiffFlags {
  readonly with?: string
  readonly chained?: boolean
  readonly most?: string
}

/** Exit code 8 where anything comes to something else. */
export async function diff(settings: Settings, flags: DiffFlags): Promise<number> {
  const most = wholeNumber('--most', flags.most ?? '1000')
  const candidate = flags.with === undefined ? null : await loadCandidate(flags.with)
  let saidMs = performance.now()
  const report = await withSource(settings, async (source) => {
    const rules = candidateRules(readerRules(settings, source.log.partitionCount), candidate)
    return await diffLog({
      source,
      candidate: rules,
      mode: flags.chained === true ? 'chained' : 'isolated',
      mostTold: most,
      progress: ({ decisions, partition }) => {
        if (performance.now() - saidMs < 2_000) return
        saidMs = performance.now()
        say(`partition ${partition}: ${decisions} decisions made again`)
      },
    })
  })
  const against = candidate === null ? 'the contracts as they are' : candidate.names.join(', ')
  printOne(settings.output, { with: against, ...report }, (shown) => textOf(shown, shown.with))
  return report.flipped + report.changed === 0 ? exitCodes.ok : exitCodes.differs
}

function textOf(report: Diff, against: string): string {
  const { changed, changes, decisions, firstCauses, flips, flipped, knockOn, mode, notDecidedAgain, rules } = report
  const lines = [
    ...flips.map((flip) => flipText(flip, mode)),
    ...changes.map((flip) => `${head(flip)}\n    committed in both, to other data`),
  ]
  const untold = flipped + changed - flips.length - changes.length
  if (untold > 0) lines.push(`(${untold} more; --most tells more of them)`)
  const rows = Object.entries(rules).map(([rule, count]) => `  ${rule}  ${count} times`)
  if (rows.length > 0) lines.push('rules, + under the candidate alone, - in the log alone:', ...rows)
  const causes = mode === 'chained' && flipped > 0 ? ` (${firstCauses} by themselves, ${knockOn} that follow from those)` : ''
  const unknown = notDecidedAgain === 0 ? '' : `; ${notDecidedAgain} records were not decided again, as their intents are not there`
  return [
    ...lines,
    `${decisions} records decided again by ${against}, ${mode}: ${flipped} flipped${causes}, ${changed} committed to other data${unknown}`,
  ].join('\n')
}

function head({ actions, agent, event, intentId, scope }: Flip): string {
  return `${intentId ?? '(undecodable)'}  ${actions.join(', ')}  by ${agent ?? '(unknown)'}  scope ${scope}  event ${event}`
}

function flipText(flip: Flip, mode: Diff['mode']): string {
  const said = ({ code, outcome }: Flip['recorded']) => (code === null ? outcome : `${outcome} ${code}`)
  const kind = mode === 'chained' ? `   ${flip.kind}` : ''
  const why = flip.candidate.message === null ? '' : `\n    ${flip.candidate.message}`
  return `${head(flip)}\n    ${style('yellow', `${said(flip.recorded)} -> ${said(flip.candidate)}`)}${kind}${why}`
}
