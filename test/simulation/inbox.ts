/** What is put before the humans of the simulated world, and what they make of it. */
import type { ProposedAction } from '@signalbox/client'
import type { Random } from '../support/random.ts'
import { drawActions } from './intents.ts'
import type { GatewayProcess } from './services.ts'

export interface OpenEscalation {
  readonly scope: string
  readonly resource: string
}

/** The open escalations that the first gateway that runs knows of, in the order in which it holds them. */
export function openEscalations(gateways: readonly GatewayProcess[], partitionCount: number): readonly OpenEscalation[] {
  const readModel = gateways.map(({ life }) => life?.service?.readModel).find((each) => each !== undefined)
  if (readModel === undefined) return []
  const open: OpenEscalation[] = []
  for (let partition = 0; partition < partitionCount; partition++) {
    for (const [key, { state }] of readModel.state(partition).resources()) {
      const [scope, resource] = key.split('\u0000') as [string, string]
      if (resource.startsWith('escalation/') && (state === 'triggered' || state === 'acknowledged')) open.push({ scope, resource })
    }
  }
  return open
}

/** An answer to an escalation that was seen so. */
export function drawAnswer(random: Random, resource: string, data: Readonly<Record<string, unknown>> | null): ProposedAction {
  const reason = 'as the script says'
  const action = random.weighted({ approve: 8, reject: 2, amend: 3, acknowledge: 1, assign: 1 })
  const digest = random.chance(0.9) ? ((data?.digest as string | undefined) ?? 'none') : 'stale'
  switch (action) {
    case 'approve':
      return { resource, action, input: { reason, digest } }
    case 'amend': {
      const about = data?.resource as string | null | undefined
      const known = about != null && /^(stock|account|claim|job|refund|listing|payout|trial)\//.test(about) ? about : 'job/sweep'
      const lower = { resource: known, action: 'raise', input: { amount: random.between(1, 5) } }
      const actions = known.startsWith('payout/') && random.chance(0.7) ? [lower] : drawActions(random, [known], null)
      return { resource, action, input: { reason, digest, actions } }
    }
    case 'assign':
      return { resource, action, input: { reason, assignee: 'bob' } }
    default:
      return { resource, action, input: { reason } }
  }
}
