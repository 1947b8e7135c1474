/** The contracts by which a sequencer decides, with the digest that a log records of each. */
import { builtInRecord, builtInVersion, containmentRecord, isReservedType, reservedTypes } from './built-in/types.ts'
import { canonicalize } from './canonical.ts'
import { type Containment, defaultContainment } from './containment.ts'
import type { Contract } from './contract.ts'
import { ContractError } from './contract-error.ts'
import { erasure } from './erasure.ts'
import type { ContractRecord } from './generated/records.ts'
import { schemaOf, sourceOf } from './schema-text.ts'
import { sealed } from './sealed.ts'

// biome-ignore lint/suspicious/noExplicitAny: a set holds contracts of any types; each was checked when it was defined.
type OfAnyTypes = Contract<any, any, any>

export interface ContractSet {
  /** The newest version of a type: the one that decides. */
  get(type: string): Contract | undefined
  /** All versions of a type, the newest first: older ones explain what they decided. */
  versions(type: string): readonly Contract[]
  /** By type, sorted. */
  readonly all: readonly Contract[]
  /** Whether any contract is in shadow. */
  readonly hasShadow: boolean
  /** Whether any contract takes what an older version of it wrote. */
  readonly hasUpcasts: boolean
}

/** For who only reads, or passes by: nothing can be decided with it. */
export const noContracts: ContractSet = { get: () => undefined, versions: () => [], all: [], hasShadow: false, hasUpcasts: false }

/** Versions of a type stand side by side, and the newest decides. Throws ContractError when two have one type and version, or there is none. */
export function contractSet(contracts: readonly OfAnyTypes[]): ContractSet {
  const byType = new Map<string, Contract[]>()
  for (const contract of withErasure(contracts as readonly Contract[])) {
    if (isReservedType(contract.type)) {
      throw new ContractError(
        `${contract.type}@${contract.version}`,
        `the type ${contract.type} is Signalbox's own (${reservedTypes.join(', ')}); give it another name`,
      )
    }
    const versions = byType.get(contract.type) ?? []
    if (versions.some(({ version }) => version === contract.version))
      throw new ContractError(
        `${contract.type}@${contract.version}`,
        'another contract of the same type and version is listed too; keep one',
      )
    byType.set(
      contract.type,
      [...versions, contract].sort((a, b) => b.version - a.version),
    )
  }
  if (byType.size === 0) throw new ContractError('(none)', 'no contract is listed, so every intent would be rejected; list at least one')
  const newest = new Map([...byType].map(([type, [contract]]) => [type, contract!]))
  const all = [...newest.values()].sort((a, b) => (a.type < b.type ? -1 : 1))
  return {
    get: (type) => newest.get(type),
    versions: (type) => byType.get(type) ?? [],
    all,
    hasShadow: all.some(({ coordination }) => coordination.shadow),
    hasUpcasts: all.some(({ upcast }) => Object.keys(upcast).length > 0),
  }
}

/** Who keeps personal data can record that it was erased. */
function withErasure(contracts: readonly Contract[]): readonly Contract[] {
  const isNeeded = contracts.some(({ dataSubject }) => dataSubject !== null) && !contracts.includes(erasure as unknown as Contract)
  return isNeeded ? [...contracts, erasure as unknown as Contract] : contracts
}

/**
 * What `PartitionOpened` records: a digest that changes whenever the contract could decide otherwise (its states, its
 * actions, its schemas, the source of its code), and of the settings of containment. What its code captures from outside is not seen: keep it inside.
 */
export function contractRecords(
  contracts: ContractSet,
  sha256: (text: string) => string,
  containment: Containment = defaultContainment,
): readonly ContractRecord[] {
  const { version, ...settings } = containment
  return [
    ...contracts.all.map((contract) => ({
      type: contract.type,
      version: contract.version,
      digest: sha256(sealed(() => canonicalize(describe(contract)))),
    })),
    { type: builtInRecord, version: builtInVersion, digest: `${builtInVersion}` },
    { type: containmentRecord, version, digest: sha256(canonicalize(settings)) },
  ]
}

function upcastPartOf({ upcast }: Contract): { readonly upcast?: unknown } {
  const steps = Object.entries(upcast)
  if (steps.length === 0) return {}
  return {
    upcast: Object.fromEntries(
      steps.map(([from, { action, resource }]) => [from, { action: sourceOf(action), resource: sourceOf(resource) }]),
    ),
  }
}

/** What packets must have decides nothing: a log need not know of it. What came later and is not used leaves the digest as it was. */
function decidingPartOf({ handoff: _handoff, rounds, ...deciding }: Contract['coordination']): unknown {
  return rounds === null ? deciding : { ...deciding, rounds }
}

function describe(contract: Contract): unknown {
  return {
    type: contract.type,
    version: contract.version,
    states: contract.states,
    data: schemaOf(contract.data),
    actions: Object.fromEntries(
      Object.entries(contract.actions).map(([name, action]) => [
        name,
        {
          ...action,
          input: schemaOf(action.input),
          guard: sourceOf(action.guard),
          apply: sourceOf(action.apply),
          amount: sourceOf(action.amount),
          escalate: action.escalate.map((rule) => ({ ...rule, when: sourceOf(rule.when) })),
          fact: action.fact === null ? null : { ...action.fact, version: sourceOf(action.fact.version) },
        },
      ]),
    ),
    invariants: Object.fromEntries(Object.entries(contract.invariants).map(([name, holds]) => [name, sourceOf(holds)])),
    coordination: decidingPartOf(contract.coordination),
    ...upcastPartOf(contract),
  }
}
