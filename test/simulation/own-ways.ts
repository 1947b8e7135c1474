/** The ways that Signalbox's own resources can go, as their contracts draw them, and which of them no run reaches. */
import { builtIns } from '@signalbox/core'

/** Like `task claim: offered -> claimed`; what leaves no resource behind has no way. */
export const ownWays: ReadonlySet<string> = new Set(
  builtIns
    .filter(({ contract }) => contract.states.length > 0)
    .flatMap(({ contract, ways }) => ways.map(({ action, from, to }) => `${contract.type} ${action}: ${from} -> ${to}`)),
)

/** Ways that a run need not go, by how they begin, and where they are tested. */
const elsewhere: readonly (readonly [way: string, why: string])[] = [
  ['allowance ', 'no budget of a run is over all scopes: test/end-to-end/allowances.test.ts'],
  ['dead-letter ', 'nobody redrives in a run: test/dead-letters'],
  ['agent declare: open', 'an agent seldom says what it can do while its breaker is open'],
  ['agent quarantine: open', 'breakers are of ordinary scopes, and quarantines of home scopes, where agents seldom act'],
  ['agent quarantine: half-open', 'as above'],
  ['agent release: open', 'nobody of a run releases a breaker: packages/core/test/containment.test.ts'],
  ['agent release: half-open', 'as above'],
  ['transfer confirmed: stuck', 'who was stuck seldom comes free before a run ends'],
  ['transfer released: stuck', 'as above'],
]

export function isReachedElsewhere(way: string): boolean {
  return elsewhere.some(([start]) => way.startsWith(start))
}
