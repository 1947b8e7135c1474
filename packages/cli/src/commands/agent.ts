/** `signalbox agent ...`: who is held back, and why; quarantine and release, in force everywhere when the command returns. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpCoordinator } from '@signalbox/client'
import {
  type AgentData,
  type AllowanceData,
  agentKey,
  agentResource,
  homeScope,
  isHomeScope,
  isSystemScope,
  type Resource,
  type Status,
  systemScope,
} from '@signalbox/contract'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { wholeNumber } from '../numbers.ts'
import { printMany, printOne, say, style, table } from '../output.ts'
import { decisionText, isoTime } from '../render/decision.ts'
import type { Settings } from '../settings.ts'
import { readTime } from '../times.ts'
import { humanOf } from '../user.ts'
import { inOneLine } from '../visible.ts'
import { decide, exitCodeOf, listed, required, withGateway } from './gateway.ts'

export interface AgentFlags {
  readonly by?: string
  readonly reason?: string
  readonly taintedSince?: string
  readonly waitMs?: string
}

interface AgentSummary {
  readonly agent: string
  readonly quarantined: boolean
  readonly reason: string | null
  readonly taintedSinceMs: number | null
  /** Of its breaker, by scope, where it is not closed. */
  readonly breakers: readonly { readonly scope: string; readonly state: string; readonly reason: string; readonly opens: number }[]
  readonly capabilities: readonly { readonly scope: string; readonly capabilities: readonly string[] }[]
  /** Of its budget over all scopes: what counts of what scopes were lent, and what they have left of it. */
  readonly lent: readonly { readonly scope: string; readonly counts: number; readonly left: number }[]
}

export async function listAgents(settings: Settings): Promise<number> {
  const agents = await withGateway(settings, summaries)
  await printMany(settings.output, agents, ({ agent, breakers, quarantined, reason }) => {
    const standing = quarantined
      ? style('red', `quarantined: ${reason}`)
      : breakers.length > 0
        ? style('yellow', `breaker open in ${breakers.length} scopes`)
        : 'active'
    return `${agent}  ${standing}`
  })
  return exitCodes.ok
}

async function summaries(gateway: HttpCoordinator): Promise<readonly AgentSummary[]> {
  const resources = [...(await listed(gateway, { type: 'agent' })), ...(await listed(gateway, { type: 'allowance' }))]
  const byAgent = Map.groupBy(resources, ({ resource }) => resource.slice(resource.indexOf('/') + 1))
  return [...byAgent].map(([agent, found]) => summaryOf(agent, found)).sort((a, b) => (a.agent < b.agent ? -1 : 1))
}

function lentOf(allowances: readonly Resource[]): AgentSummary['lent'] {
  const home = allowances.find(({ scope }) => isHomeScope(scope))
  const counted = Map.groupBy((home?.data as AllowanceData | undefined)?.grants ?? [], ({ scope }) => scope)
  return [...counted].map(([scope, grants]) => {
    const there = allowances.find((each) => each.scope === scope)?.data as AllowanceData | undefined
    return {
      scope,
      counts: grants.reduce((sum, { amount }) => sum + amount, 0),
      left: (there?.leases ?? []).reduce((sum, { left }) => sum + left, 0),
    }
  })
}

function summaryOf(agent: string, all: readonly Resource[]): AgentSummary {
  const found = all.filter(({ resource }) => resource.startsWith('agent/'))
  const home = found.find(({ scope }) => isHomeScope(scope))
  const inScopes = found.filter(({ scope }) => !isHomeScope(scope) && !isSystemScope(scope))
  const quarantined = home?.state === 'quarantined'
  const { reason = null, taintedSinceMs = null } = quarantined ? (home.data as AgentData) : {}
  return {
    agent,
    quarantined,
    reason,
    taintedSinceMs,
    breakers: inScopes
      .filter(({ state }) => state === 'open' || state === 'half-open')
      .map(({ data, scope, state }) => ({ scope, state, reason: (data as AgentData).reason, opens: (data as AgentData).opens })),
    capabilities: inScopes
      .filter(({ data }) => (data as AgentData).capabilities.length > 0)
      .map(({ data, scope }) => ({ scope, capabilities: (data as AgentData).capabilities })),
    lent: lentOf(all.filter(({ resource }) => resource.startsWith('allowance/'))),
  }
}

export async function showAgent(settings: Settings, agent: string): Promise<number> {
  const summary = await withGateway(settings, async (gateway) => {
    const found = (await summaries(gateway)).find((each) => each.agent === agentKey(agent))
    return found ?? summaryOf(agent, [])
  })
  printOne(settings.output, summary, ({ breakers, capabilities, lent, quarantined, reason, taintedSinceMs }) => {
    const rows: string[][] = [['  quarantine', quarantined ? style('red', `yes: ${reason}`) : 'no']]
    if (taintedSinceMs !== null) rows.push(['  tainted', `what it wrote since ${isoTime(taintedSinceMs)}`])
    for (const each of breakers) rows.push(['  breaker', `${each.state} in ${each.scope} (opened ${each.opens} times): ${each.reason}`])
    for (const each of lent) rows.push(['  budget', `${each.counts} counts as lent to ${each.scope}, which has ${each.left} left`])
    for (const each of capabilities) rows.push(['  can', `${each.capabilities.join(', ')} in ${each.scope}`])
    return `${inOneLine(agent)}\n${table(rows)}`
  })
  return exitCodes.ok
}

/** Puts an agent into quarantine or releases it, and returns once every partition says so. */
export async function setQuarantine(
  settings: Settings,
  action: 'quarantine' | 'release',
  agent: string,
  flags: AgentFlags,
): Promise<number> {
  const reason = required('--reason', flags.reason, 'it stays in the log, and everyone whom it holds up is shown it')
  const waitMs = wholeNumber('--wait-ms', flags.waitMs ?? '30000')
  const taintedSinceMs = flags.taintedSince === undefined ? null : timeOf(flags.taintedSince)
  return await withGateway(settings, async (gateway) => {
    const input = action === 'quarantine' ? { reason, taintedSinceMs } : { reason }
    const decision = await decide(gateway, {
      scope: homeScope(agent),
      agent: humanOf(flags.by),
      resource: agentResource(agent),
      action,
      input,
    })
    printOne(settings.output, decision, decisionText)
    if (!decision.committed) return exitCodeOf(decision)
    await inForce(gateway, agent, action === 'quarantine' ? 'quarantined' : 'active', waitMs)
    return exitCodes.ok
  })
}

async function inForce(gateway: HttpCoordinator, agent: string, wanted: string, waitMs: number): Promise<void> {
  const { partitions } = (await gateway.request('GET', '/v1/status', 0)).body as Status
  const deadlineMs = Date.now() + waitMs
  const missing = new Set(partitions.map(({ partition }) => partition))
  for (;;) {
    for (const partition of [...missing]) {
      const [found] = (await gateway.observe(systemScope(partition, partitions.length), [agentResource(agent)]))!.resources
      // An agent that was never in quarantine somewhere is active there.
      if (found!.state === wanted || (wanted === 'active' && !found!.exists)) missing.delete(partition)
    }
    if (missing.size === 0) break
    if (Date.now() > deadlineMs)
      throw new CommandError(
        'timedOut',
        `partitions ${[...missing].join(', ')} do not say yet that ${agent} is ${wanted}; is a process manager running? It will be carried there when one is`,
      )
    await sleep(100)
  }
  say(`${agent} is ${wanted} on all ${partitions.length} partitions`)
}

/** Errors: CommandError usage. */
function timeOf(text: string): number {
  const timeMs = readTime(text)
  if (timeMs === null)
    throw new CommandError(
      'usage',
      `--tainted-since takes a time, not ${text}; give one like 2026-06-01T12:00:00Z, or 15m for as long ago (s, m, h, d)`,
    )
  if (timeMs > Date.now())
    throw new CommandError(
      'usage',
      `--tainted-since is ${text}, which has not come yet by the clock of this machine; nothing was written since then. Give an earlier time`,
    )
  return timeMs
}
