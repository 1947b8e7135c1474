/** Which webhook targets hear of it when people are asked. */
import { WebhookError } from '../webhook/index.ts'

export interface Routes {
  /** The targets of whom a contract or the settings name as `to`. */
  targetsOf(to: readonly string[]): readonly string[]
}

/**
 * `routes` has, by the name that contracts ask, the targets to tell. Who has no route is told by the target of that name, and where
 * there is none by every target: too many who know is better than nobody.
 *
 * @throws WebhookError MISCONFIGURED when a route leads to a target that there is not
 */
export function routesOf(targetNames: readonly string[], routes: Readonly<Record<string, readonly string[]>>): Routes {
  for (const [to, targets] of Object.entries(routes)) {
    const unknown = targets.find((target) => !targetNames.includes(target))
    if (unknown !== undefined)
      throw new WebhookError(
        'MISCONFIGURED',
        `the route of ${JSON.stringify(to)} leads to webhook target "${unknown}", and there is none; there are ${targetNames.join(', ') || 'no targets'}`,
      )
  }
  const targetsOf = (to: string) => (Object.hasOwn(routes, to) ? routes[to]! : targetNames.includes(to) ? [to] : targetNames)
  return { targetsOf: (to) => [...new Set(to.flatMap(targetsOf))] }
}
