/** What a human is asked of an intent: who, in which order, and about which world. */
import type { Containment } from '@signalbox/contract'
import type { ModelIntent } from './intent.ts'
import type { Ledger } from './ledger.ts'
import { modelTypes } from './more-rules.ts'
import type { SeenVersion } from './people.ts'
import { typeName, worldOf } from './shadow.ts'

export interface Level {
  readonly [name: string]: string | number
  readonly to: string
  readonly withinMs: number
}

/** Who is asked, one after another: from whom the rule names, or they before all others. */
export function levelsOf({ actions }: ModelIntent, to: string | null, { escalateTo, escalateWithinMs }: Containment): readonly Level[] {
  const types = actions.map(({ resource }) => modelTypes.get(typeName(resource)))
  const governed = types.find((type) => type !== undefined)
  const levels =
    governed === undefined
      ? [{ to: escalateTo, withinMs: escalateWithinMs }]
      : (governed.levels ?? [{ to: 'operators', withinMs: 3_600_000 }])
  if (to === null) return levels as readonly Level[]
  const from = levels.findIndex((level) => level.to === to)
  return (from < 0 ? [{ to, withinMs: levels[0]!.withinMs }, ...levels] : levels.slice(from)) as readonly Level[]
}

/** Whether who asked may not approve: any contract of the intent may say so. */
export function isSeparated({ actions }: ModelIntent): boolean {
  return actions.some(({ resource }) => {
    const type = modelTypes.get(typeName(resource))
    return type !== undefined && type.mayApproveOwn !== true
  })
}

/** The world that a verdict is about: what is named and read, without what nobody's version decides. */
export function versionsOf({ actions, reads, scope }: ModelIntent, ledger: Ledger): readonly SeenVersion[] {
  const versions = new Map<string, number>()
  const isFree = (resource: string, action: string) => {
    const type = modelTypes.get(typeName(resource))
    return type === undefined || type.rules[action]?.commutes === true
  }
  const versionOf = (resource: string) => ledger.find(worldOf(scope, resource), resource)?.version ?? 0
  for (const { action, resource } of actions) if (!isFree(resource, action)) versions.set(resource, versionOf(resource))
  for (const { resource } of reads) {
    const acted = actions.find((each) => each.resource === resource)
    if (acted === undefined || !isFree(resource, acted.action)) versions.set(resource, versionOf(resource))
  }
  return [...versions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([resource, version]) => ({ resource, version }))
}
