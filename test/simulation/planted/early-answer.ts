/** A gateway that answers as soon as an owner has decided, before the decision is durable. */
import type { Coordinator } from '@signalbox/client'
import type { Decision } from '@signalbox/contract'
import type { Log } from '@signalbox/log'
import { presentDecision } from '@signalbox/presentation'
import type { Environment, PlantedBug } from '../environment.ts'
import { withBatches } from './decorators.ts'

export function earlyAnswer(): Pick<PlantedBug, 'sequencerLog' | 'desk'> {
  const worlds = new WeakMap<Environment, Map<string, (decision: Decision) => void>>()
  const waitingIn = (environment: Environment) => {
    const waiting = worlds.get(environment) ?? new Map<string, (decision: Decision) => void>()
    worlds.set(environment, waiting)
    return waiting
  }
  return {
    sequencerLog: (log: Log, environment) =>
      withBatches(log, (append, _reopen, partition) => (batch) => {
        const { end } = environment.store.topic('events', partition).offsets
        for (const [index, { value }] of batch.events.entries()) {
          const decision = presentDecision(environment.codec.decodeEvent(value), end + index)
          if (decision?.intentId != null) waitingIn(environment).get(decision.intentId)?.(decision)
        }
        return append(batch)
      }),
    desk: (desk: Coordinator, environment): Coordinator => ({
      submit: (intent, options) => {
        const early = new Promise<Decision>((resolve) => waitingIn(environment).set(intent.intentId, resolve))
        return Promise.race([desk.submit(intent, options), early])
      },
      decision: (intentId, options) => desk.decision(intentId, options),
      dryRun: (intent) => desk.dryRun(intent),
      observe: (scope, resources, options) => desk.observe(scope, resources, options),
      watch: (scope, reads, options) => desk.watch(scope, reads, options),
      close: () => desk.close(),
    }),
  }
}
