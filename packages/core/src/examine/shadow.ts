import { holdsAgent } from '@signalbox/contract'
import type { Examination } from './examination.ts'
import type { Rejection } from './rejection.ts'

/** What of an intent is in shadow, as its event says it; null where all of it counts. */
export function shadowOf({ intent, planned, rules }: Examination): string | null {
  for (let index = 0; index < planned.length; index++) {
    const { contract } = planned[index]!
    if (contract.coordination.shadow) return `contract ${contract.type}`
  }
  const { shadowAgents } = rules.containment
  return shadowAgents.length > 0 && holdsAgent(intent.agent, shadowAgents) ? `agent ${intent.agent}` : null
}

/** What is pending when it comes into shadow is over: nothing in shadow may come into force. */
export function inShadowNow(shadow: string): Rejection {
  return {
    code: 'WITHDRAWN',
    message: `${shadow} was put in shadow while the intent was pending; propose it anew to see what would become of it`,
  }
}
