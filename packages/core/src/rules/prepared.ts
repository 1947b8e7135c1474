/**
 * Contracts as the checks use them: what they would work out anew for every intent (names of places for messages, lists
 * of invariants) is prepared once for a set of contracts.
 */
import { type AnyAction, type AnyInvariant, type Contract, type ContractSet, schemaChanges } from '@signalbox/contract'
import type { z } from 'zod'
import { bounded } from './bounded.ts'

/** A type, so that it can lie in the JSON of an event. */
export type Issue = { readonly path: string; readonly message: string }

/** What a schema says of a value. */
export type ReadResult = { readonly success: true; readonly data: unknown } | { readonly success: false; readonly issues: readonly Issue[] }

/** Validates a value by a schema. Runs contract code: refinements, and the messages of what fails. */
type Reader = (value: unknown) => ReadResult

export interface PreparedInvariant {
  readonly name: string
  readonly holds: AnyInvariant
  readonly where: string
}

export interface PreparedAction {
  readonly name: string
  readonly contract: Contract
  readonly action: AnyAction
  readonly invariants: readonly PreparedInvariant[]
  /** Null where the action takes no input. */
  readonly readInput: Reader | null
  readonly readData: Reader
  /** Whether the schema of the data may give another value than it was given. */
  readonly changesData: boolean
  /** Whether any action of the contract merges: only then are fields noted. */
  readonly notesFields: boolean
  /** Where contract code runs, as a fault names it. */
  readonly whereInput: string
  readonly whereGuard: string
  readonly whereApply: string
  readonly whereData: string
  readonly whereEscalate: string
  readonly whereAmount: string
  /** Where the contract is Signalbox's own: its code, as `builtInOf` has it. */
  readonly builtIn: object | null
}

/** One of Signalbox's own contracts, with the code of its actions by name. */
export interface OwnContract {
  readonly contract: Contract
  readonly actions: { readonly [name: string]: object }
}

export interface PreparedContract {
  readonly contract: Contract
  readonly actions: ReadonlyMap<string, PreparedAction>
}

/** The contracts by which is decided, Signalbox's own among them. */
export interface PreparedContracts extends ContractSet {
  /** The contract that governs a resource, given its name and where the type in it ends. */
  governing(resource: string, typeLength: number): PreparedContract | undefined
}

export function prepareAll(contracts: ContractSet, builtIns: readonly OwnContract[]): PreparedContracts {
  const own = builtIns.map((builtIn) => [builtIn.contract.type, prepare(builtIn.contract, builtIn)] as const)
  const byType = new Map([...own, ...contracts.all.map((contract) => [contract.type, prepare(contract, null)] as const)])
  // Intents of one type come one after another.
  let last: PreparedContract | undefined
  return {
    ...contracts,
    governing(resource, typeLength) {
      if (last === undefined || last.contract.type.length !== typeLength || !resource.startsWith(last.contract.type))
        last = byType.get(resource.slice(0, typeLength))
      return last
    },
  }
}

function prepare(contract: Contract, builtIn: OwnContract | null): PreparedContract {
  const title = `contract ${contract.type}@${contract.version}`
  const invariants = Object.entries(contract.invariants).map(([name, holds]) => ({ name, holds, where: `${title}, invariant ${name}` }))
  const actions = new Map<string, PreparedAction>()
  const readData = readerOf(contract.data)
  const changesData = schemaChanges(contract.data)
  const notesFields = Object.values(contract.actions).some(({ conflict }) => conflict === 'merge')
  for (const [name, action] of Object.entries(contract.actions)) {
    const readInput = action.input === null ? null : readerOf(action.input)
    const where = (what: string) => `${title}, ${what} of ${name}`
    const places = {
      whereInput: where('input'),
      whereGuard: where('guard'),
      whereApply: where('apply'),
      whereData: where('data'),
      whereEscalate: where('escalate'),
      whereAmount: where('amount'),
    }
    const own = builtIn?.actions[name] ?? null
    actions.set(name, { name, contract, action, invariants, readInput, readData, changesData, notesFields, ...places, builtIn: own })
  }
  return { contract, actions }
}

function readerOf(schema: z.ZodType): Reader {
  return (value) => {
    const result = schema.safeParse(value)
    return result.success ? result : { success: false, issues: issuesOf(result.error) }
  }
}

const maxIssues = 8
const maxIssueLength = 300

// The error is made when it is first read, and making it may run contract code: what is kept of it is text.
function issuesOf({ issues }: z.ZodError): readonly Issue[] {
  return issues.slice(0, maxIssues).map(({ message, path }) => ({
    path: bounded(path.map(String).join('.'), maxIssueLength),
    message: bounded(String(message), maxIssueLength),
  }))
}
