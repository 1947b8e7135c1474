/** The ways that Signalbox's own resources can go, as their contracts draw them, and which of them no run reaches. */
import { builtIns } from '@signalbox/core'

/** Like `task claim: offered -> claimed`; what leaves no resource behind has no way. */
export const ownWays: ReadonlySet<string> = new Set(
  builtIns
    .filter(({ contract }) => contract.states.length > 0)
    .flatMap(({ contract, ways }) => ways.map(({ action, from, to }) => `${contract.type} ${action}: ${from} -> ${to}`)),
)

/** Why no run goes there. */
export const unreachedWays: Readonly<Record<string, string>> = {}
