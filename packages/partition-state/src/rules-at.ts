/** The rules of a moment of a log: its contracts in the versions that were recorded then, as far as they are at hand. */
import { type Contract, type ContractRecord, contractSet, isReservedType } from '@signalbox/contract'
import { preparedContracts, type Rules } from '@signalbox/core'

// A set for each choice of versions, and the same one each time: what is prepared of it is kept with it.
const chosen = new WeakMap<Rules['contracts'], Map<string, Rules>>()

/** Of the types that are asked for, what was recorded and is not at hand, like `refund@1`. */
export function notAtHand({ contracts }: Rules, recorded: readonly ContractRecord[], types: ReadonlySet<string>): readonly string[] {
  return recorded
    .filter(
      ({ type, version }) => types.has(type) && !isReservedType(type) && !contracts.versions(type).some((each) => each.version === version),
    )
    .map(({ type, version }) => `${type}@${version}`)
}

/** The newest version of a type where the recorded one is not at hand, and of a type that was not recorded. */
export function rulesAt(rules: Rules, recorded: readonly ContractRecord[]): Rules {
  const { contracts } = rules
  const versions = new Map(recorded.filter(({ type }) => !isReservedType(type)).map(({ type, version }) => [type, version]))
  const isNewest = contracts.all.every(({ type, version }) => (versions.get(type) ?? version) === version)
  if (isNewest) return rules
  const picked = contracts.all.map((newest): Contract => {
    const wanted = versions.get(newest.type)
    return contracts.versions(newest.type).find(({ version }) => version === wanted) ?? newest
  })
  const key = picked.map(({ type, version }) => `${type}@${version}`).join(' ')
  const known = chosen.get(contracts) ?? new Map<string, Rules>()
  chosen.set(contracts, known)
  const rulesThen = known.get(key) ?? { ...rules, contracts: preparedContracts(contractSet(picked)) }
  known.set(key, rulesThen)
  return rulesThen
}
