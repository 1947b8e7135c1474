import { bareIntent } from '../bare-intent.ts'
import { clockAgent } from '../coordination.ts'
import type { Intent } from '../generated/records.ts'
import { systemScope } from './types.ts'

/** An intent that does nothing on a partition but move its time. */
export function tickIntent(partition: number, partitionCount: number, intentId: string): Intent {
  const scope = systemScope(partition, partitionCount)
  const actions = [{ resource: 'clock/tick', action: 'tick', input: '{}', expectedVersion: null }]
  return bareIntent({ intentId, scope, agent: clockAgent, actions })
}
