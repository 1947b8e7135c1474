import type { Intent } from './generated/records.ts'

/** An intent with nothing in it but what every intent must have. */
export function bareIntent({ actions, agent, intentId, scope }: Pick<Intent, 'intentId' | 'scope' | 'agent' | 'actions'>): Intent {
  return {
    intentId,
    scope,
    agent,
    actions,
    reads: [],
    correlationId: intentId,
    causationId: null,
    causationDepth: null,
    deadline: null,
    priority: null,
    confidence: null,
    onConflict: 'reject',
    reservation: null,
    note: null,
    signature: null,
  }
}
