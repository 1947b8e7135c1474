/** What agents and humans ask of Signalbox itself. */
import type { ProposedAction } from '@signalbox/client'
import { drawResources } from './intents.ts'
import type { Random } from './random.ts'

/** `about` is an intent that the effect, the withdrawal or the verdict is about; null: none is known. */
export function drawCoordination(random: Random, about: string | null, isHuman: boolean): ProposedAction {
  const kind = random.weighted({
    take: 4,
    renew: 1,
    release: 2,
    withdraw: about === null ? 0 : 2,
    done: about === null ? 0 : 3,
    failed: about === null ? 0 : 1,
    verdict: isHuman && about !== null ? 6 : 0,
    quarantine: isHuman ? 3 : 0,
    free: isHuman ? 2 : 0,
  })
  const reservation = `reservation/${drawResources(random)[0]!}`
  const agent = `agent/agent-${random.between(0, 2)}`
  const reason = 'as the script says'
  switch (kind) {
    case 'take':
    case 'renew':
      return { resource: reservation, action: kind, input: { forMs: random.pick([500, 4_000, 20_000, 700_000]) } }
    case 'release':
      return { resource: reservation, action: kind }
    case 'withdraw':
      return { resource: `intent/${about}`, action: kind, input: { reason } }
    case 'done':
      return { resource: `effect/${about}-0`, action: kind, input: { result: 'paid' } }
    case 'failed':
      return { resource: `effect/${about}-0`, action: kind, input: { reason } }
    case 'verdict':
      return { resource: `escalation/${about}`, action: random.pick(['approve', 'approve', 'reject']), input: { reason } }
    case 'quarantine':
      return { resource: agent, action: kind, input: { reason } }
    case 'free':
      return { resource: agent, action: 'release', input: { reason } }
  }
}
