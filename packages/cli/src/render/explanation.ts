import type { Decision, ExplainedDecision, ExplanationJson } from '@signalbox/contract'
import { style } from '../output.ts'
import { duration, isoTime, rejectionLines } from './decision.ts'

function outcomeOf({ code, outcome }: Pick<ExplanationJson, 'code' | 'outcome'>): string {
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
export function explainedText({ agrees, decision, explanation, intent, notAtHand = [], stoodOn }: ExplainedDecision): string {
  const asked = ((intent?.actions as readonly { action: string; resource: string }[] | undefined) ?? []).map(
    ({ action, resource }) => `${action} ${resource}`,
  )
  const what = asked.length > 3 ? `${asked.slice(0, 3).join(', ')} and ${asked.length - 3} more` : asked.join(', ')
  const lines = [
    `${outcomeOf(recorded(decision))}   ${what}   by ${decision.agent ?? '(unknown)'}   scope ${decision.scope || '(unknown)'}   event ${decision.event}   ${isoTime(decision.time)}`,
    ...stoodOnLines(stoodOn, decision.time),
    ...(notAtHand.length === 0
      ? [...checkLines(explanation), ...rejectionLines(agrees ? explanation : decision, decision.time, decision.details)]
      : [
          `  checks    cannot be computed anew: ${notAtHand.join(', ')}, which decided, is not in the config; list it beside the newer version`,
          ...rejectionLines(decision, decision.time, decision.details),
        ]),
  ]
  if (!agrees && notAtHand.length === 0) {
    const again = `${explanation.outcome}${explanation.code === null ? '' : ` ${explanation.code}`}`
    const why = explanation.message === null ? '' : ` (${explanation.message})`
    lines.push(style('red', `  DIFFERS   computed anew it is ${again}${why}: the contracts or the program have changed since`))
  }
  if (decision.resource !== null) lines.push(`  next      signalbox resource history ${decision.scope} ${decision.resource}`)
  return lines.join('\n')
}

/** What the log says of it. */
function recorded({ code, committed, pending, shadow }: Decision): Pick<ExplanationJson, 'code' | 'outcome'> {
  return { code, outcome: committed ? 'committed' : pending !== null ? 'pending' : shadow !== null ? 'shadowed' : 'rejected' }
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
    ...rejectionLines(explanation, explanation.time, null),
  ]
  for (const { action, fromVersion, resource, state, version } of explanation.changes)
    lines.push(`  would     ${action} ${resource}   version ${fromVersion} -> ${version}   state ${state}`)
  return lines.join('\n')
}
