/** A contract as a page: a state diagram, its actions, its rules, its owner, and the JSON Schemas of what it takes. */
import { type AnyAction, type Contract, none } from '@signalbox/contract'
import type { BuiltIn } from '@signalbox/core'
import { z } from 'zod'

/** Of Signalbox's own contracts: where an action leads is said by its code, and here. */
export type Own = Pick<BuiltIn, 'ways' | 'who'>

/** Markdown with a Mermaid diagram. The same contract gives the same text. */
export function contractPage(contract: Contract, own?: Own): string {
  const { owner, type, version } = contract
  return [
    `# ${type}@${version}`,
    '',
    `Owned by ${owner.team}, ${owner.contact}.`,
    '',
    '```mermaid',
    stateDiagram(contract, own),
    '```',
    '',
    '## Actions',
    '',
    actionTable(contract, own),
    '',
    ...rules(contract),
    '## Schemas',
    '',
    ...schema('data', contract.data),
    ...Object.entries(contract.actions).flatMap(([name, { input }]) => (input === null ? [] : schema(`input of ${name}`, input))),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

export function stateDiagram({ actions, coordination }: Contract, own?: Own): string {
  const lines = ['stateDiagram-v2']
  for (const { action, from, to } of own?.ways ?? waysOf(actions)) {
    const timed = coordination.after[from]
    const when = timed?.action === action ? ` after ${duration(timed.ms)}` : ''
    lines.push(`    ${from === none ? '[*]' : from} --> ${to}: ${action}${when}`)
  }
  return lines.join('\n')
}

function waysOf(actions: Contract['actions']): Own['ways'] {
  return Object.entries(actions).flatMap(([action, { from, to }]) => from.map((state) => ({ action, from: state, to: to ?? state })))
}

function actionTable({ actions }: Contract, own?: Own): string {
  const rows = Object.entries(actions).map(([name, action]) => [
    `\`${name}\``,
    action.from.map((state) => (state === none ? '(new)' : state)).join(', '),
    leadsTo(name, action, own),
    whoMay(own?.who[name] ?? action.by),
    action.conflict,
    asks(action).join('; ') || '-',
  ])
  return [['action', 'from', 'to', 'who', 'conflict', 'besides'], ['---', '---', '---', '---', '---', '---'], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')
}

function leadsTo(name: string, { to }: AnyAction, own: Own | undefined): string {
  const ways = own?.ways.filter(({ action }) => action === name) ?? []
  if (to !== null || ways.every((way) => way.from === way.to)) return to ?? '(stays)'
  return [...new Set(ways.map((way) => way.to))].join(' or ')
}

function whoMay(by: readonly string[] | null): string {
  return by === null ? 'anyone' : by.join(', ') || 'Signalbox itself'
}

function asks({ amount, effect, escalate, fact, guard, undo }: AnyAction): string[] {
  const besides = escalate.map(({ approvals = 1, reason, to }) => `${reason} asks ${to}${approvals > 1 ? ` (${approvals} approvals)` : ''}`)
  if (guard !== null) besides.unshift('guarded')
  if (effect !== null)
    besides.push(
      `effect, reported within ${duration(effect.reportWithinMs)}${effect.idempotent ? `, up to ${effect.attempts} attempts` : ', never tried again unseen'}`,
    )
  if (undo !== null) besides.push(`undone by \`${undo}\``)
  if (amount !== null) besides.push('counts against the budget')
  if (fact !== null)
    besides.push(`states ${fact.fields.join(', ')} as facts${fact.escalateTo === undefined ? '' : `; a drift asks ${fact.escalateTo}`}`)
  return besides
}

function rules({ coordination, dataSubject, invariants }: Contract): string[] {
  const { after, contradictions, escalation, handoff, maxPriority, reservation, shadow, waiting } = coordination
  const lines = ['## Rules', '']
  for (const name of Object.keys(invariants)) lines.push(`- Always holds: ${name}.`)
  for (const [state, { action, ms }] of Object.entries(after))
    lines.push(`- After ${duration(ms)} in ${state}, the clock takes \`${action}\`.`)
  lines.push(
    `- Up to ${waiting.queue} intents wait for one resource, by default for ${duration(waiting.deadlineMs)}; one may be passed by ${waiting.bypasses} times.`,
    `- A reservation lasts up to ${duration(reservation.maxMs)} at a time.${maxPriority > 0 ? ` Priorities up to ${maxPriority}.` : ''}`,
    `- Humans: ${escalation.levels.map(({ to, withinMs }) => `${to} within ${duration(withinMs)}`).join(', then ')}; then it is denied.${escalation.separationOfDuties ? ' Not by who asked.' : ''}`,
  )
  if (contradictions !== null)
    lines.push(`- Two agents that run into each other ${contradictions.count} times on one resource are put before ${contradictions.to}.`)
  if (handoff.requires.length > 0) lines.push(`- A packet about it always has: ${handoff.requires.join(', ')}.`)
  if (dataSubject !== null) lines.push('- Fields marked `personal` are encrypted under a key of the person whom they are about.')
  if (shadow) lines.push('- In shadow: decided and logged, and not in force.')
  return [...lines, '']
}

function schema(title: string, type: z.ZodType): string[] {
  return [`### ${title}`, '', '```json', JSON.stringify(z.toJSONSchema(type, { unrepresentable: 'any', io: 'input' }), null, 2), '```', '']
}

function duration(ms: number): string {
  for (const [unit, size] of [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size} ${unit}${ms === size ? '' : 's'}`
  }
  return `${ms} ms`
}
