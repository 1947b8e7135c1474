/** What agents and humans ask of Signalbox itself. */
import type { ProposedAction } from '@signalbox/client'
import { generationResource, systemScope } from '@signalbox/contract'
import type { Random } from '../support/random.ts'
import { drawResources } from './intents.ts'

/** An intent that waits, and an effect that is to be reported, as somebody knows of them; null: of none. */
export interface Known {
  readonly waiting: string | null
  readonly effect: string | null
}

export function drawCoordination(random: Random, { effect, waiting }: Known, resources: readonly string[]): ProposedAction {
  const kind = random.weighted({
    take: 4,
    renew: 1,
    delegate: 1,
    release: 4,
    withdraw: waiting === null ? 0 : 3,
    done: effect === null ? 0 : 12,
    failed: effect === null ? 0 : 6,
  })
  const reservation = `reservation/${drawResources(random, resources)[0]!}`
  const reason = 'as the script says'
  switch (kind) {
    case 'take':
    case 'renew':
      return { resource: reservation, action: kind, input: { forMs: random.pick([500, 4_000, 20_000, 700_000]) } }
    case 'delegate':
      return { resource: reservation, action: kind, input: { to: random.pick([[], ['agent-1'], ['agent-0', 'agent-2']]) } }
    case 'release':
      return { resource: reservation, action: kind }
    case 'withdraw':
      return { resource: `intent/${waiting}`, action: kind, input: { reason } }
    case 'done':
      return { resource: `effect/${effect}`, action: kind, input: { result: 'paid' } }
    case 'failed':
      return { resource: `effect/${effect}`, action: kind, input: { reason } }
  }
}

/** What a human does to an agent that seems to go wrong, in the agent's home scope, and takes back. */
export function drawOversight(random: Random, nowMs: number, ofHumansToo: boolean): ProposedAction {
  const agents = ['agent-0', 'agent-1', 'agent-2']
  const resource = `agent/${random.pick(ofHumansToo ? [...agents, 'human:ada', 'human:bob'] : agents)}`
  const reason = 'as the script says'
  if (random.chance(0.4)) return { resource, action: 'release', input: { reason } }
  const taintedSinceMs = random.pick([null, nowMs - 3_600_000, nowMs - 4_000, nowMs])
  return { resource, action: 'quarantine', input: { reason, taintedSinceMs } }
}

/** Closing or opening a log, by whoever thinks of it: where it can be done, and where it cannot. */
export function drawMeddling(
  random: Random,
  scope: string,
  partitionCount: number,
): { readonly scope: string; readonly actions: readonly ProposedAction[] } {
  const reason = 'as the script says'
  const action = random.pick(['close', 'reopen'])
  const asked = { resource: generationResource, action, input: action === 'close' ? { next: 'log-2', reason } : { reason } }
  const where = systemScope(random.between(0, partitionCount - 1), partitionCount)
  switch (random.weighted({ right: 7, ordinaryScope: 1, otherScope: 2, otherName: 1, notAlone: 1 })) {
    case 'right':
      return { scope: where, actions: [asked] }
    case 'ordinaryScope':
      return { scope, actions: [asked] }
    case 'otherScope':
      return { scope: `~partition/${random.between(0, 5)}/${random.between(0, 9)}`, actions: [asked] }
    case 'otherName':
      return { scope: where, actions: [{ ...asked, resource: 'generation/other' }] }
    case 'notAlone':
      return { scope: where, actions: [asked, { resource: 'agent/agent-0', action: 'declare', input: { capabilities: [] } }] }
  }
}
