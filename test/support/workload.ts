/** What the benchmarks ask for: counters, each in a scope of its own, half raised commutatively and half set by version. */
import { sha256 } from '@signalbox/codec'
import {
  bareIntent,
  type ContractSet,
  contractSet,
  defaultContainment,
  defaultLimits,
  defineContract,
  type Intent,
  makeUuidV7,
  none,
} from '@signalbox/contract'
import { preparedContracts, type Rules } from '@signalbox/core'
import { z } from 'zod'

export const counter = defineContract({
  type: 'counter',
  version: 1,
  owner: { team: 'bench', contact: '#bench' },
  data: z.strictObject({ value: z.int().min(0), capacity: z.int() }),
  states: ['open'],
  actions: {
    open: {
      from: none,
      to: 'open',
      input: z.strictObject({ capacity: z.int().positive() }),
      apply: ({ input }) => ({ value: 0, capacity: input.capacity }),
    },
    add: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ by: z.int() }),
      apply: ({ data, input }) => ({ ...data, value: data.value + input.by }),
    },
    set: {
      from: 'open',
      input: z.strictObject({ to: z.int() }),
      apply: ({ data, input }) => ({ ...data, value: input.to }),
    },
  },
  invariants: { fits: ({ data }) => data.value <= data.capacity },
})

export const contracts: ContractSet = contractSet([counter])
export const counterName = 'counter/main'
export const capacity = Number.MAX_SAFE_INTEGER

export const rules: Rules = {
  contracts: preparedContracts(contracts),
  limits: defaultLimits,
  containment: defaultContainment,
  partitionCount: 1,
  agents: null,
  sha256,
}

/** When the log of a benchmark begins: milliseconds since 1970, UTC. */
export const startMs = Date.UTC(2026, 0, 1)
/** How many intents share a millisecond. */
const intentsPerMs = 100

export function timeOf(number: number): number {
  return startMs + Math.floor(number / intentsPerMs)
}

export interface Asked {
  readonly scope: string
  readonly resource?: string
  readonly agent: string
  readonly action: keyof typeof counter.actions
  readonly input: Readonly<Record<string, number>>
  readonly expectedVersion?: number
}

const idBits = new Uint8Array(10)
const idView = new DataView(idBits.buffer)

/** The `number`th intent: its id carries the time it has in the log, and bits spread over the whole width. */
export function makeIntent(number: number, asked: Asked): Intent {
  return counterIntent(makeId(number, timeOf(number)), asked)
}

export function makeId(number: number, timeMs: number): string {
  idView.setUint32(0, Math.imul(number, 0x9e3779b1))
  idView.setUint32(4, Math.imul(number, 0x85ebca6b))
  idView.setUint16(8, number)
  return makeUuidV7(timeMs, idBits)
}

/** An intent with nothing in it but one action on a counter. */
export function counterIntent(intentId: string, { action, agent, expectedVersion, input, resource, scope }: Asked): Intent {
  const actions = [{ resource: resource ?? counterName, action, input: JSON.stringify(input), expectedVersion: expectedVersion ?? null }]
  return bareIntent({ intentId, scope, agent, actions })
}

/** Intents for a number of counters in turn. Keeps the versions that a sequencer would have told its agents. */
export class CounterLoad {
  readonly #versions: number[]
  #number = 0

  constructor(counters: number) {
    this.#versions = new Array<number>(counters).fill(0)
  }

  /** The next intent, to be decided at source offset `offset`, in order. */
  next(): { readonly offset: number; readonly timestampMs: number; readonly intent: Intent } {
    const number = this.#number++
    const counters = this.#versions.length
    const at = number % counters
    const version = this.#versions[at]!++
    const who = { scope: `scope-${at}`, agent: `agent-${number % 64}` }
    const isSet = Math.floor(number / counters) % 2 === 0
    const asked: Asked =
      version === 0
        ? { ...who, action: 'open', input: { capacity } }
        : isSet
          ? { ...who, action: 'set', input: { to: number }, expectedVersion: version }
          : { ...who, action: 'add', input: { by: 1 + (number % 9) } }
    return { offset: number, timestampMs: timeOf(number), intent: makeIntent(number, asked) }
  }
}
