/** `signalbox escalation ...`: what humans are asked, and their verdicts. */
import { type EscalationData, type JsonObject, nearestOf, type Resource } from '@signalbox/contract'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { printMany, printOne, style, table } from '../output.ts'
import { isoTime } from '../render/decision.ts'
import type { Settings } from '../settings.ts'
import { humanOf } from '../user.ts'
import { actionsFromFlags } from './actions.ts'
import { act, findOne, listed, required, withGateway } from './gateway.ts'

export interface EscalationFlags {
  readonly scope?: string
  readonly state?: string
  readonly by?: string
  readonly reason?: string
  readonly to?: string
  readonly digest?: string
  readonly do?: readonly string[]
}

const open: ReadonlySet<string> = new Set(['triggered', 'acknowledged'])
const states = [...open, 'resolved', 'expired', 'all']

/** Those that are open, oldest first; with `--state`, those in it. */
export async function listEscalations(settings: Settings, { scope, state }: EscalationFlags): Promise<number> {
  if (state !== undefined && !states.includes(state))
    throw new CommandError(
      'usage',
      `--state: ${JSON.stringify(state)} is no state of an escalation; ${nearestOf(state, states, `there are ${states.join(', ')}`)}`,
    )
  const all = await withGateway(settings, (gateway) => listed(gateway, { type: 'escalation', scope }))
  const found = all
    .filter((each) => (state === undefined ? open.has(each.state) : state === 'all' || each.state === state))
    .sort((a, b) => dataOf(a).openedMs - dataOf(b).openedMs)
  await printMany(settings.output, found, lineOf)
  return exitCodes.ok
}

function dataOf({ data }: Resource): EscalationData {
  return data as EscalationData
}

function idOf({ resource }: Resource): string {
  return resource.slice('escalation/'.length)
}

function lineOf(escalation: Resource): string {
  const { assignee, cause, count, expiresMs, message, to } = dataOf(escalation)
  const who = assignee === null ? to : `${to} (${assignee})`
  const times = count > 1 ? ` (${count} times)` : ''
  return `${idOf(escalation)}  ${style('yellow', cause)}${times}  ${escalation.state}  for ${who} until ${isoTime(expiresMs)}  scope ${escalation.scope}  ${message}`
}

export async function showEscalation(settings: Settings, id: string, { scope }: EscalationFlags): Promise<number> {
  const escalation = await withGateway(settings, (gateway) => findOne(gateway, 'escalation', id, scope))
  printOne(settings.output, escalation, textOf)
  return exitCodes.ok
}

type Asked = NonNullable<EscalationData['asked']>

/** What the human is asked to agree to: what the agent asks and why, and what would become of each resource. */
function askedRows({ actions, confidence, isComplete, note, resources }: Asked): (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = []
  if (note !== null) rows.push(['note', note])
  if (confidence !== null) rows.push(['confidence', `${confidence}`])
  for (const { action, input, resource } of actions)
    rows.push(['asks', `${action} ${resource} ${input === null ? '(its input had no room here)' : JSON.stringify(input)}`])
  for (const each of resources) {
    const { resource, state, version } = each
    rows.push([each.after === null ? 'has read' : 'now', `${resource}@${version} ${state ?? 'does not exist'}  ${shown(each)}`])
    if (each.after !== null) rows.push(['would be', `${each.after.state}  ${shown(each.after)}`])
  }
  if (!isComplete) rows.push(['left out', 'what had no room: signalbox intent show and resource show have it'])
  return rows
}

function shown({ data, dataDigest }: Pick<Asked['resources'][number], 'data' | 'dataDigest'>): string {
  if (data !== null) return JSON.stringify(data)
  return dataDigest === null ? '' : `(its data had no room here; SHA-256 ${dataDigest})`
}

function textOf(escalation: Resource): string {
  const data = dataOf(escalation)
  const rows: (readonly [string, string])[] = [
    ['why', data.message],
    // Escalations of earlier versions have none.
    ...(data.asked == null ? [] : askedRows(data.asked)),
    ['about', [data.resource, data.intentId === null ? null : `intent ${data.intentId}`].filter((each) => each !== null).join(', ')],
    ['agent', data.agent],
    ['scope', escalation.scope],
    [
      'asked',
      `${data.levels.map(({ to }, index) => (index === data.level ? style('bold', to) : to)).join(', then ')}, since ${isoTime(data.openedMs)}`,
    ],
    ['until', `${isoTime(data.expiresMs)}; then it is denied`],
    ['approvals', `${data.approvals.length} of ${data.approvalsNeeded}${data.separationOfDuties ? ', none by who asked' : ''}`],
    ['it stands on', data.versions.map(({ resource, version }) => `${resource}@${version}`).join(', ') || 'nothing that a version decides'],
    ['digest', data.digest],
  ]
  if (data.acknowledgedBy !== null) rows.push(['seen by', data.acknowledgedBy])
  if (data.assignee !== null) rows.push(['assigned to', data.assignee])
  if (data.verdict !== null)
    rows.push(['verdict', `${data.verdict}${data.verdictBy === null ? '' : ` by ${data.verdictBy}`}: ${data.verdictReason ?? ''}`])
  const head = `${style('yellow', data.cause)}   ${idOf(escalation)}   ${escalation.state}`
  const next = open.has(escalation.state)
    ? `\n  next      signalbox escalation approve ${idOf(escalation)} --digest ${data.digest.slice(0, 12)} --reason WHY (or reject, amend, ack, assign)`
    : ''
  return `${head}\n${table(rows.map(([name, value]) => [`  ${name}`, value]))}${next}`
}

const verbs = {
  ack: 'acknowledge',
  assign: 'assign',
  approve: 'approve',
  reject: 'reject',
  amend: 'amend',
} as const
export type EscalationVerb = keyof typeof verbs

/** What a human does with it, with a reason. */
export async function answerEscalation(settings: Settings, verb: EscalationVerb, id: string, flags: EscalationFlags): Promise<number> {
  const reason = required('--reason', flags.reason, 'it stays in the log, for whoever asks later why')
  const escalation = await withGateway(settings, (gateway) => findOne(gateway, 'escalation', id, flags.scope))
  const input: Record<string, JsonObject[string]> = { reason }
  if (verb === 'assign') input.assignee = required('--to', flags.to, 'whom it is assigned to')
  if (verb === 'approve' || verb === 'amend') input.digest = digestOf(escalation, flags.digest)
  if (verb === 'amend')
    input.actions = actionsFromFlags(flags.do, new Map()).map(({ action, input: what, resource }) => ({
      resource,
      action,
      input: (what ?? {}) as JsonObject,
    }))
  return await act(settings, {
    scope: escalation.scope,
    agent: humanOf(flags.by),
    resource: escalation.resource,
    action: verbs[verb],
    input,
  })
}

/** A verdict is bound to what the human saw: the digest is typed, in full or its beginning, and never filled in. */
function digestOf(escalation: Resource, given: string | undefined): string {
  const { digest } = dataOf(escalation)
  const typed = required(
    '--digest',
    given,
    `that of what you saw, as signalbox escalation show ${idOf(escalation)} prints it (its first characters do)`,
  )
  if (typed.length >= 6 && digest.startsWith(typed)) return digest
  throw new CommandError(
    'rejected',
    `${typed} is not the digest of what is asked now: something moved since you looked. Look again: signalbox escalation show ${idOf(escalation)}`,
  )
}
