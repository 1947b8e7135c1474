import type { Decision, Resource, Status } from '@signalbox/contract'
import { style, table } from '../output.ts'

export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}

function outcomeOf({ code, committed, pending, shadow }: Decision): string {
  if (committed) return style('green', 'COMMITTED')
  if (pending !== null) return style('yellow', `${pending.reason === 'escalated' ? 'ASKS A HUMAN' : 'WAITS'}  ${code}`)
  if (shadow !== null) return style('cyan', `IN SHADOW  would be ${shadow.wouldBe}${code === null ? '' : ` ${code}`}`)
  return style('red', `REJECTED  ${code}`)
}

function headline(decision: Decision): string {
  const outcome = outcomeOf(decision)
  return `${outcome}   ${decision.intentId ?? '(no id)'}   by ${decision.agent ?? '(unknown)'}   scope ${decision.scope || '(unknown)'}   event ${decision.event}`
}

/** A decision in one line, for lists. */
export function decisionLine(decision: Decision): string {
  const what = decision.committed
    ? decision.changes.map(({ action, resource }) => `${action} ${resource}`).join(', ')
    : [decision.resource, decision.message].filter(Boolean).join(': ')
  const text = what.length > 100 ? `${what.slice(0, 97)}...` : what
  return `${isoTime(decision.time)}  ${decision.event.padEnd(10)}  ${decision.committed ? style('green', 'committed') : style('red', decision.code!)}  ${decision.intentId ?? '-'}  ${decision.agent ?? '-'}  ${text}`
}

/** A decision with all that its agent needs. */
export function decisionText(decision: Decision): string {
  const lines = [`${headline(decision)}${decision.duplicate ? '   (decided before; this is that decision)' : ''}`]
  for (const { action, fromState, fromVersion, resource, state, version } of decision.changes) {
    lines.push(`  ${action} ${resource}   version ${fromVersion} -> ${version}   ${fromState === null ? 'new' : fromState} -> ${state}`)
  }
  for (const { action, effectId, reportWithinMs, resource } of decision.effects)
    lines.push(
      `  effect    ${effectId}: do what ${action} ${resource} stands for, with this as idempotency key, and report within ${duration(reportWithinMs)}`,
    )
  if (decision.verdict !== null) lines.push(`  verdict   ${decision.verdict}`)
  if (decision.pending !== null) {
    const { escalation, resources, until } = decision.pending
    lines.push(`  ${escalation === null ? `waits     for ${resources.join(', ')}` : `asks      ${escalation}`}, until ${isoTime(until)}`)
  }
  lines.push(...rejectionLines(decision, decision.time, decision.details))
  if (decision.intentId !== null && !decision.committed) lines.push(`  next      signalbox intent explain ${decision.intentId}`)
  return lines.join('\n')
}

type Why = Pick<Decision, 'message' | 'movedBy' | 'missed' | 'owner' | 'page'>

/** What a stale reject says besides: of which other keys the world has moved, and how many commits were missed in all. */
interface StaleDetails {
  readonly moved?: readonly { readonly resource: string; readonly expectedVersion: number; readonly actualVersion: number }[]
  readonly movedCount?: number
  readonly missedCount?: number
}

/** `details` are those of the decision. */
export function rejectionLines({ message, missed, movedBy, owner, page }: Why, timeMs: number, details: Decision['details']): string[] {
  const { missedCount = missed.length, moved = [], movedCount = moved.length } = (details ?? {}) as StaleDetails
  const lines: string[] = []
  if (message !== null) lines.push(`  why       ${message}`)
  if (movedBy !== null)
    lines.push(
      `  moved by  ${movedBy.agent}, ${movedBy.action}, ${duration(Math.max(0, timeMs - movedBy.time))} earlier (intent ${movedBy.intentId}, event ${movedBy.event})`,
    )
  if (movedCount > 1) {
    const each = moved.map(({ actualVersion, expectedVersion, resource }) => `${resource} ${expectedVersion} -> ${actualVersion}`)
    lines.push(`  moved     ${each.join(', ')}${movedCount > moved.length ? `, and ${movedCount - moved.length} more` : ''}`)
  }
  if (missed.length > 0)
    lines.push(
      `  missed    ${missedCount > missed.length ? `${missedCount} commits, the newest ${missed.length}: ` : ''}${missed.map(({ action, agent, event, version }) => `version ${version}: ${action} by ${agent} (event ${event})`).join('; ')}`,
    )
  if (owner !== null) lines.push(`  owner     ${owner.team}, ${owner.contact}`)
  if (page !== null) lines.push(`  page      ${page}`)
  return lines
}

export function resourceText(resource: Resource): string {
  if (!resource.exists) return `${resource.resource}   scope ${resource.scope}   does not exist`
  const lines = [
    `${resource.resource}   scope ${resource.scope}   version ${resource.version}   state ${resource.state}`,
    `  data      ${JSON.stringify(resource.data)}`,
  ]
  if (resource.fault !== undefined) lines.push(`  fault     ${resource.fault}; state and data are as they were written`)
  const last = resource.lastChange
  if (last !== null)
    lines.push(`  changed   ${isoTime(last.time)} by ${last.agent}, ${last.action} (intent ${last.intentId}, event ${last.event})`)
  return lines.join('\n')
}

export function resourceLine(resource: Resource): string {
  return `${resource.scope}  ${resource.resource}  version ${resource.version}  ${resource.state}  ${JSON.stringify(resource.data)}`
}

/** Clocks differ by a little. */
const aheadToTellMs = 10_000

function lettersText(deadLetters: Readonly<Record<string, number>>): readonly string[] {
  const some = Object.entries(deadLetters).filter(([, count]) => count > 0)
  if (some.length === 0) return []
  return [
    '',
    `dead letters: ${some.map(([topic, count]) => `${count} of ${topic}`).join(', ')} (signalbox dead-letter list shows the open ones)`,
  ]
}

export function statusText(status: Status): string {
  const head = `${status.software}   log ${status.log} (${status.logId})   ${status.ready ? style('green', 'ready') : style('yellow', 'not ready')}`
  const rows = status.partitions.map((each) => [
    `${each.partition}`,
    each.closed === null ? (each.phase ?? '-') : `closed, goes on as ${each.closed}`,
    `${each.nextIntent}`,
    `${each.lag}`,
    `${each.eventsEnd}`,
    `${each.resources}`,
    `${each.rememberedIds}`,
  ])
  const aheadMs = Math.max(0, ...status.partitions.map(({ time }) => time - Date.now()))
  const ahead =
    aheadMs < aheadToTellMs
      ? []
      : [
          '',
          `log time is ahead of the clock by ${Math.round(aheadMs / 1_000)} s: until then it stands still. See docs/operating.md, Clocks`,
        ]
  const contracts = status.contracts.map(({ owner, type, version }) => `  ${type}@${version}   ${owner.team}, ${owner.contact}`)
  return [
    head,
    '',
    table([['partition', 'phase', 'next intent', 'lag', 'events', 'resources', 'ids'], ...rows]),
    ...ahead,
    ...lettersText(status.deadLetters ?? {}),
    ...(status.troubles ?? []).flatMap(({ kind, message, since }) => ['', `${style('yellow', kind)} since ${isoTime(since)}: ${message}`]),
    '',
    'contracts',
    ...contracts,
  ].join('\n')
}
