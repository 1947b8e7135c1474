/** What must be known in a log that goes on from another with other partitions: sorted out by scope, from the models of that one. */
import type { ModelSettings } from './expected.ts'
import { Model } from './model.ts'
import { modelPartitionOf } from './partitions.ts'
import type { ModelResource } from './rules.ts'

export interface Going {
  /** The number of the log, from 0. */
  readonly log: number
  /** Its source offsets begin here. */
  readonly beginsAt: number
  /** What the time of a partition was when it was carried over, as its events say. */
  readonly timeOf: (partition: number) => number
}

export function modelsGoingOn(before: readonly Model[], settings: ModelSettings, { beginsAt, log, timeOf }: Going): readonly Model[] {
  return Array.from({ length: settings.partitionCount }, (_, partition) => {
    const model = new Model(partition, settings, log)
    // Only from these can a scope have come.
    const fed = before.filter((old) => (old.partition - partition) % divisorOf(before.length, settings.partitionCount) === 0)
    const isHere = (scope: string) => !scope.startsWith('~partition/') && modelPartitionOf(scope, settings.partitionCount) === partition
    for (const old of fed) model.takeOver(old, isHere)
    for (const [agent, resource] of agentsOf(fed)) model.ledger.takeAgent(model.systemScope, agent, resource)
    model.nextOffset = beginsAt
    model.ledger.time = timeOf(partition)
    return model
  })
}

/** What holds for agents everywhere: of partitions that say different things, what holds back goes first, then what is newer. */
function agentsOf(fed: readonly Model[]): ReadonlyMap<string, ModelResource> {
  const agents = new Map<string, ModelResource>()
  for (const { resources, systemScope } of fed) {
    for (const [key, resource] of resources) {
      const [scope, name] = key.split('\n') as [string, string]
      if (scope !== systemScope || !name.startsWith('agent/')) continue
      const known = agents.get(name)
      const isNewer = known === undefined || resource.history.at(-1)!.timeMs > known.history.at(-1)!.timeMs
      const [isHeld, wasHeld] = [resource.state === 'quarantined', known?.state === 'quarantined']
      if (isHeld === wasHeld ? isNewer : isHeld || known === undefined) agents.set(name, resource)
    }
  }
  return agents
}

function divisorOf(one: number, other: number): number {
  return other === 0 ? one : divisorOf(other, one % other)
}
