/** `signalbox blast-radius INTENT` and `signalbox shadow report` */
import type { Decision } from '@signalbox/contract'
import { type BlastRadius, blastRadius, type Compensation, type ShadowReport, shadowReport, type TouchedDecision } from '@signalbox/replay'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { withSource } from '../logs.ts'
import { checkIntentId } from '../names.ts'
import { printMany, printOne, say, sayLines, style } from '../output.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { humanOf } from '../user.ts'
import { inOneLine } from '../visible.ts'
import { decide, intentOf, required, statusOfSameLog, withGateway } from './gateway.ts'

export interface BlastFlags {
  readonly compensate?: boolean
  readonly reason?: string
  readonly by?: string
}

/** Every decision that an intent touched, as a tree; with `--compensate`, what takes them back is tried and then submitted. */
export async function showBlastRadius(settings: Settings, intentId: string, flags: BlastFlags): Promise<number> {
  const contracts = contractsOf(settings)
  const { logId, radius } = await withSource(settings, async (source) => {
    return { logId: source.log.id, radius: await blastRadius(source, contracts, intentId) }
  })
  if (radius === null) {
    checkIntentId(intentId)
    throw new CommandError('notFound', `intent ${intentId} was never committed, so it touched nothing (signalbox intent show ${intentId})`)
  }
  if (flags.compensate !== true) {
    printOne(settings.output, radius, treeOf)
    return exitCodes.ok
  }
  sayLines(treeOf(inOneLine(radius)))
  return await compensate(settings, logId, radius, flags)
}

function treeOf({ decisions, root, scopes }: BlastRadius): string {
  const byParent = Map.groupBy(decisions.slice(1), ({ touches }) => touches[0]!.intentId)
  const lines: string[] = []
  const add = (decision: TouchedDecision, depth: number): void => {
    lines.push(...linesOf(decision, '  '.repeat(depth)))
    for (const child of byParent.get(decision.intentId) ?? []) add(child, depth + 1)
  }
  add(decisions[0]!, 0)
  const rest = decisions.length - 1
  return [
    ...lines,
    '',
    `${rest} decisions touched by ${root}, in ${scopes.length} scopes (${scopes.map(({ decisions: count, scope }) => `${scope}: ${count}`).join(', ')})`,
  ].join('\n')
}

function linesOf(
  { agent, changes, compensations, effects, event, intentId, scope, touches, verdict }: TouchedDecision,
  indent: string,
): string[] {
  const why = touches.map(({ by, resource }) => (resource === null ? by : `${by} ${resource}`)).join(', ')
  const what = changes.map(({ action, fromVersion, resource, version }) => `${action} ${resource} ${fromVersion} -> ${version}`).join(', ')
  const lines = [
    `${indent}${intentId}  ${agent}  ${scope}  ${event}${why === '' ? '' : `  (${why})`}${verdict === null ? '' : `  ${style('green', `let be by a human, ${verdict}`)}`}`,
    `${indent}    ${what}`,
  ]
  for (const { effectId, state } of effects) lines.push(`${indent}    ${style('yellow', `effect ${effectId} ${state}`)}`)
  for (const { action, obstacle, resource } of compensations)
    lines.push(`${indent}    ${obstacle === null ? `could be taken back: ${action} ${resource}` : `${resource}: ${obstacle}`}`)
  return lines
}

/** The newest first: what was built on something is taken back before it. */
async function compensate(settings: Settings, logId: string, radius: BlastRadius, flags: BlastFlags): Promise<number> {
  const reason = required('--reason', flags.reason, 'it stays in the log')
  const agent = humanOf(flags.by)
  const planned = [...radius.decisions].reverse().flatMap(({ compensations }) => compensations.filter(({ obstacle }) => obstacle === null))
  if (planned.length === 0) throw new CommandError('notFound', 'nothing of it can simply be taken back; the tree says why of each')
  return await withGateway(settings, async (gateway) => {
    await statusOfSameLog(gateway, settings, logId)
    const asked = (each: Compensation) => ({
      scope: each.scope,
      agent,
      resource: each.resource,
      action: each.action!,
      expectedVersion: each.expectedVersion,
      causationId: radius.root,
      note: `compensation for ${radius.root}: ${reason}`,
    })
    for (const each of planned) {
      const { code, message, outcome } = await gateway.dryRun(intentOf(asked(each)))
      say(`dry run: ${each.action} ${each.resource} in ${each.scope} would be ${outcome}${code === null ? '' : ` ${code}: ${message}`}`)
    }
    const decisions: Decision[] = []
    for (const each of planned) decisions.push(await decide(gateway, asked(each)))
    await printMany(
      settings.output,
      decisions,
      ({ code, committed, intentId, scope }) => `${intentId}  ${scope}  ${committed ? 'committed' : code}`,
    )
    return decisions.every(({ committed }) => committed) ? exitCodes.ok : exitCodes.rejected
  })
}

export async function showShadowReport(settings: Settings): Promise<number> {
  const reports = await withSource(settings, shadowReport)
  await printMany(settings.output, reports, reportText)
  if (reports.length === 0) say('nothing was decided in shadow: set shadow in a contract, or containment.shadowAgents')
  return exitCodes.ok
}

function reportText({ by, differences, intents, wouldCommit, wouldReject }: ShadowReport): string {
  const rejected = Object.entries(wouldReject).map(([code, count]) => `${count} ${code}`)
  const lines = [
    `${by}: ${intents} intents, ${wouldCommit} would have been committed${rejected.length === 0 ? '' : `, rejected ${rejected.join(', ')}`}`,
  ]
  for (const { real, resource, scope, shadow, version } of differences)
    lines.push(
      `  ${scope}  ${resource} version ${version}: would be ${JSON.stringify(shadow)}, ${real === null ? 'and never was' : `was ${JSON.stringify(real)}`}`,
    )
  return lines.join('\n')
}
