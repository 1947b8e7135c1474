/** Whether contracts fit what a log holds: the versions that it records, its live resources, and what is pending in it. */
import { sha256 } from '@signalbox/codec'
import {
  type Contract,
  type ContractRecord,
  type ContractSet,
  contractRecords,
  isReservedType,
  type JsonObject,
  resourceType,
  upcastResource,
} from '@signalbox/contract'
import type { PartitionState, ResourceState } from '@signalbox/core'
import { currentState, type Source } from './states.ts'

/** The closed set of what may stand against a change of contracts. */
export const contractProblems = {
  OLDER: 'the log records a newer version, so a sequencer with these contracts gives its partitions up',
  SAME_VERSION: 'it decides otherwise than what the log records under the same version: raise the version',
  GONE: 'resources of the type live on, and nothing governs them any more',
  STATE_UNKNOWN: 'resources are in a state that it does not have',
  DATA_UNFIT: 'the data of resources does not fit its schema',
  TIMER_UNKNOWN: 'a timer of resources runs for an action that it does not have',
  PENDING_UNFIT: 'intents that wait ask for what it does not have, or with input that it does not take',
  UPCAST_FAILED: 'its upcast cannot take the data of resources',
} as const
export type ContractProblemCode = keyof typeof contractProblems

export interface ContractProblem {
  readonly code: ContractProblemCode
  /** type@version, of the candidate; of a type that is gone, of the last that governed it. */
  readonly contract: string
  readonly message: string
  /** How many resources or intents. */
  readonly count: number
  /** The first of them: scope and name, or the id of an intent. */
  readonly named: readonly string[]
}

const mostNamed = 20

/** Reads the whole log. An empty list: nothing stands against it. */
export async function checkContracts(
  source: Source,
  candidate: ContractSet,
  progress?: (partition: number) => void,
): Promise<readonly ContractProblem[]> {
  const found = new Problems()
  const records = contractRecords(candidate, sha256)
  for (let partition = 0; partition < source.log.partitionCount; partition++) {
    progress?.(partition)
    const state = await currentState(source, partition)
    checkVersions(found, state.contracts, records)
    checkHeld(found, candidate, state)
  }
  return found.list()
}

/** What stands against the contracts in one partition, its versions apart. */
export function problemsWith(state: PartitionState, candidate: ContractSet): readonly ContractProblem[] {
  const found = new Problems()
  checkHeld(found, candidate, state)
  return found.list()
}

function checkHeld(found: Problems, candidate: ContractSet, state: PartitionState): void {
  for (const [key, resource] of state.resources()) {
    const [scope, name] = key.split('\u0000') as [string, string]
    // What is in shadow is in force nowhere.
    if (!scope.startsWith('\u0001')) checkResource(found, candidate, `${scope} ${name}`, name, resource)
  }
  checkPending(found, candidate, state)
}

class Problems {
  readonly #found = new Map<string, ContractProblem & { readonly named: string[] }>()

  add(code: ContractProblemCode, contract: string, what: string, detail = ''): void {
    const key = `${code} ${contract} ${detail}`
    const before = this.#found.get(key)
    const named = before?.named ?? []
    if (named.length < mostNamed) named.push(what)
    const message = `${contractProblems[code]}${detail === '' ? '' : ` (${detail})`}`
    this.#found.set(key, { code, contract, message, count: (before?.count ?? 0) + 1, named })
  }

  /** Of the log as a whole, and the same on every partition. */
  once(code: ContractProblemCode, contract: string, detail: string): void {
    if (!this.#found.has(`${code} ${contract} ${detail}`)) this.add(code, contract, 'the log', detail)
  }

  list(): readonly ContractProblem[] {
    return [...this.#found.values()]
  }
}

function checkVersions(found: Problems, recorded: readonly ContractRecord[], candidates: readonly ContractRecord[]): void {
  for (const { digest, type, version } of recorded) {
    const candidate = isReservedType(type) ? undefined : candidates.find((each) => each.type === type)
    if (candidate === undefined) continue
    const name = `${type}@${candidate.version}`
    if (candidate.version < version) found.once('OLDER', name, `${type}@${version} is recorded`)
    else if (candidate.version === version && candidate.digest !== digest) found.once('SAME_VERSION', name, '')
  }
}

function checkResource(found: Problems, candidate: ContractSet, where: string, name: string, resource: ResourceState): void {
  const type = resourceType(name)
  if (type === null || isReservedType(type)) return
  const contract = candidate.get(type)
  if (contract === undefined) {
    found.add('GONE', `${type}@${resource.contractVersion}`, where)
    return
  }
  const title = `${type}@${contract.version}`
  const understood = understand(contract, resource)
  if (understood instanceof Error) {
    found.add('UPCAST_FAILED', title, where, understood.message.slice(0, 200))
    return
  }
  const { data, state } = understood
  if (!contract.states.includes(state)) found.add('STATE_UNKNOWN', title, where, `'${state}'; there are ${contract.states.join(', ')}`)
  const fits = contract.data.safeParse(data)
  if (!fits.success) {
    const [issue] = fits.error.issues
    found.add('DATA_UNFIT', title, where, `${issue!.path.map(String).join('.')}: ${issue!.message}`)
  }
  if (resource.timer !== null && contract.actions[resource.timer.action] === undefined)
    found.add('TIMER_UNKNOWN', title, where, resource.timer.action)
}

function understand(
  contract: Contract,
  { contractVersion, data, state }: ResourceState,
): { readonly state: string; readonly data: JsonObject } | Error {
  try {
    return upcastResource(contract, contractVersion, { state, data: JSON.parse(data) as JsonObject })
  } catch (error) {
    return error as Error
  }
}

/** What waits is decided again as it was asked. */
function checkPending(found: Problems, candidate: ContractSet, state: PartitionState): void {
  for (const { intent, intentId } of state.coordination.pending.all()) {
    const { actions } = JSON.parse(intent) as {
      readonly actions: readonly { readonly resource: string; readonly action: string; readonly input?: JsonObject }[]
    }
    for (const { action, input = {}, resource } of actions) {
      const type = resourceType(resource)
      const contract = type === null || isReservedType(type) ? undefined : candidate.get(type)
      if (contract === undefined) continue
      const asked = contract.actions[action]
      const title = `${type}@${contract.version}`
      if (asked === undefined) found.add('PENDING_UNFIT', title, intentId, `no action ${action}`)
      else if (asked.input?.safeParse(input).success === false) found.add('PENDING_UNFIT', title, intentId, `the input of ${action}`)
    }
  }
}
