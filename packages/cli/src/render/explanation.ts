import type { ExplainedDecision, ExplanationJson } from '@signalbox/contract'
import { style } from '../output.ts'
import { duration, isoTime, rejectionLines } from './decision.ts'

function outcomeOf({ code, outcome }: ExplanationJson): string {
  if (outcome === 'committed') return style('green', 'COMMITTED')
  if (outcome === 'pending') return style('yellow', `PENDING  ${code}`)
  if (outcome === 'shadowed') return style('cyan', `IN SHADOW${code === null ? '' : `  would be rejected ${code}`}`)
  return outcome === 'duplicate' ? style('yellow', 'DUPLICATE') : style('red', `REJECTED  ${code}`)
}

function checkLines({ checks }: ExplanationJson): string[] {
  const reached = checks.filter(({ result }) => result !== 'not reached')
  const lines = reached.map(({ name, result, seen }, index) => {
    const values = seen === null || Object.keys(seen).length === 0 ? '' : `   ${abridged(JSON.stringify(seen))}`
    return `${index === 0 ? '  checks    ' : '            '}${name.padEnd(14)} ${result === 'passed' ? 'ok    ' : style('red', 'FAILED')}${values}`
  })
  const rest = checks.length - reached.length
  if (rest > 0) lines.push(`            (${rest} more not reached)`)
  return lines
}

function abridged(text: string): string {
  return text.length > 220 ? `${text.slice(0, 217)}... (--json shows all)` : text
}

/** A decision explained: what was asked, every check with what it saw, and what to do next. */
export function explainedText({ agrees, decision, explanation, intent, stoodOn }: ExplainedDecision): string {
  const asked = ((intent?.actions as readonly { action: string; resource: string }[] | undefined) ?? []).map(
    ({ action, resource }) => `${action} ${resource}`,
  )
  const what = asked.length > 3 ? `${asked.slice(0, 3).join(', ')} and ${asked.length - 3} more` : asked.join(', ')
  const lines = [
    `${outcomeOf(explanation)}   ${what}   by ${decision.agent ?? '(unknown)'}   scope ${decision.scope || '(unknown)'}   event ${decision.event}   ${isoTime(decision.time)}`,
    ...stoodOnLines(stoodOn, decision.time),
    ...checkLines(explanation),
    ...rejectionLines(explanation, decision.time),
  ]
  if (!agrees)
    lines.push(
      style(
        'red',
        `  DIFFERS   the log records ${decision.committed ? 'a commit' : decision.code}: the contracts or the program have changed since`,
      ),
    )
  if (decision.resource !== null) lines.push(`  next      signalbox resource history ${decision.scope} ${decision.resource}`)
  return lines.join('\n')
}

const mostRead = 8

/** What the agent had read, what had moved since, and who moved it. */
function stoodOnLines(stoodOn: ExplainedDecision['stoodOn'], timeMs: number): string[] {
  const lines = stoodOn.slice(0, mostRead).map(({ actual, movedBy, resource, version }, index) => {
    const moved =
      movedBy === null
        ? actual === version
          ? ', still so'
          : `, and it was at ${actual}`
        : `, now ${actual}: ${movedBy.action} by ${movedBy.agent}, ${duration(Math.max(0, timeMs - movedBy.time))} earlier (intent ${movedBy.intentId}, event ${movedBy.event})`
    return `${index === 0 ? '  read      ' : '            '}${resource} at version ${version}${moved}`
  })
  if (stoodOn.length > mostRead) lines.push(`            (${stoodOn.length - mostRead} more; --json shows all)`)
  return lines
}

/** What would be decided now. */
export function dryRunText(explanation: ExplanationJson): string {
  const lines = [
    `${outcomeOf(explanation)}   (dry run: nothing was written)`,
    ...checkLines(explanation),
    ...rejectionLines(explanation, explanation.time),
  ]
  for (const { action, fromVersion, resource, state, version } of explanation.changes)
    lines.push(`  would     ${action} ${resource}   version ${fromVersion} -> ${version}   state ${state}`)
  return lines.join('\n')
}
