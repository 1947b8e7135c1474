/** Which faults a run meets, drawn from its seed: at every call of the log port, on the agents' network, and of whole processes. */
import type { LogErrorCode } from '@signalbox/log'
import type { FaultCall, FaultDecision, FaultOperation, FaultOutcome } from '@signalbox/log-memory'
import type { Random } from '../support/random.ts'

/** How rough a run is. Probabilities are per call, or per step of the process faults. */
export interface Roughness {
  readonly name: string
  readonly portFault: number
  readonly portDelay: number
  readonly networkFault: number
  /** Mean time between faults of whole processes; null for none. */
  readonly processFaultMs: number | null
}

const roughnesses: readonly Roughness[] = [
  { name: 'calm', portFault: 0, portDelay: 0.3, networkFault: 0, processFaultMs: null },
  { name: 'breezy', portFault: 0.01, portDelay: 0.5, networkFault: 0.02, processFaultMs: 8_000 },
  { name: 'rough', portFault: 0.03, portDelay: 0.6, networkFault: 0.08, processFaultMs: 3_000 },
  { name: 'stormy', portFault: 0.08, portDelay: 0.7, networkFault: 0.15, processFaultMs: 1_500 },
]

/** Where agents are to come far with something, less is in their way. */
export function drawRoughness(random: Random, isRough: boolean): Roughness {
  const name = random.weighted(isRough ? { calm: 1, breezy: 3, rough: 5, stormy: 3 } : { calm: 3, breezy: 5, rough: 3, stormy: 1 })
  return roughnesses.find((each) => each.name === name)!
}

interface Choice {
  readonly weight: number
  readonly outcome: FaultOutcome | 'duplicate'
  readonly codes?: readonly LogErrorCode[]
}

const transientBefore: Choice = { weight: 4, outcome: 'fail-before', codes: ['TRANSIENT'] }
const transientAfter: Choice = { weight: 3, outcome: 'fail-after', codes: ['TRANSIENT'] }
const crashes: readonly Choice[] = [
  { weight: 1, outcome: 'crash-before' },
  { weight: 1, outcome: 'crash-after' },
]
const hangs: readonly Choice[] = [
  { weight: 0.5, outcome: 'hang-before' },
  { weight: 0.5, outcome: 'hang-after' },
]

// Only what the port allows an operation to answer: a fault that no adapter may show would accuse the innocent.
const choices: Readonly<Record<FaultOperation, readonly Choice[]>> = {
  append: [
    { weight: 3, outcome: 'fail-before', codes: ['TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL'] },
    { weight: 4, outcome: 'fail-after', codes: ['OUTCOME_UNKNOWN', 'TRANSIENT'] },
    { weight: 3, outcome: 'duplicate' },
    ...hangs,
    ...crashes,
  ],
  'writer.append': [
    { weight: 3, outcome: 'fail-before', codes: ['TRANSIENT', 'OUTCOME_UNKNOWN'] },
    { weight: 0.3, outcome: 'fail-before', codes: ['FULL'] },
    { weight: 5, outcome: 'fail-after', codes: ['OUTCOME_UNKNOWN'] },
    { weight: 2, outcome: 'crash-before' },
    { weight: 3, outcome: 'crash-after' },
    ...hangs,
  ],
  cursor: [transientBefore, transientAfter, ...crashes, ...hangs],
  'cursor.next': [transientBefore, transientAfter, ...crashes, ...hangs],
  'cursor.close': [transientBefore, transientAfter, ...crashes],
  offsets: [transientBefore, transientAfter, ...crashes, ...hangs],
  join: [transientBefore, ...crashes],
  leave: [transientBefore, transientAfter, ...crashes],
  open: [transientBefore, transientAfter, ...crashes, ...hangs],
  'writer.close': [transientBefore, transientAfter, ...crashes],
  close: [transientBefore, ...crashes],
  'snapshots.newest': [transientBefore, transientAfter, ...crashes, ...hangs],
  'snapshots.write': [transientBefore, transientAfter, ...crashes, ...hangs],
}

// Reads come by far the most often: without this they would have nearly all the faults.
const share: Readonly<Partial<Record<FaultOperation, number>>> = { 'cursor.next': 0.25, append: 2, 'writer.append': 3, open: 2 }

export class Faults {
  readonly #random: Random
  readonly roughness: Roughness
  readonly #injected: Record<string, number> = {}
  #isHealed = false

  constructor(random: Random, roughness: Roughness) {
    this.#random = random
    this.roughness = roughness
  }

  /** How many faults of each kind were injected. */
  get injected(): Readonly<Record<string, number>> {
    return this.#injected
  }

  get isHealed(): boolean {
    return this.#isHealed
  }

  /** From now on nothing fails any more; calls still take their time. */
  heal(): void {
    this.#isHealed = true
  }

  count(kind: string): void {
    this.#injected[kind] = (this.#injected[kind] ?? 0) + 1
  }

  /** What becomes of one call of the port. */
  decide({ operation }: FaultCall): FaultDecision {
    const delays = this.#delays(operation)
    if (this.#isHealed || !this.#random.chance(this.roughness.portFault * (share[operation] ?? 1))) return delays
    const choice = this.#choose(choices[operation])
    if (choice.outcome === 'duplicate') {
      this.count('append duplicated')
      return { ...delays, duplicate: true }
    }
    const code = choice.codes === undefined ? undefined : this.#random.pick(choice.codes)
    this.count(`${operation} ${choice.outcome}${code === undefined ? '' : ` ${code}`}`)
    return { ...delays, outcome: choice.outcome, ...(code === undefined ? {} : { code }) }
  }

  /** Whether the agents' network does something to this request, and what. */
  network(): 'request lost' | 'answer lost' | 'request doubled' | null {
    if (this.#isHealed || !this.#random.chance(this.roughness.networkFault)) return null
    const fault = this.#random.pick(['request lost', 'answer lost', 'request doubled'] as const)
    this.count(fault)
    return fault
  }

  #choose(from: readonly Choice[]): Choice {
    let at = this.#random.fraction() * from.reduce((sum, { weight }) => sum + weight, 0)
    for (const choice of from) {
      at -= choice.weight
      if (at < 0) return choice
    }
    return from.at(-1)!
  }

  #delays(operation: FaultOperation): FaultDecision {
    const random = this.#random
    const isRead = operation === 'cursor.next'
    if (!random.chance(isRead ? this.roughness.portDelay / 3 : this.roughness.portDelay)) return {}
    // Now and then a call takes as long as a session's timeout: that is what makes a zombie of its caller.
    const isLong = !this.#isHealed && random.chance(0.01)
    const ms = isLong ? random.between(1_000, 7_000) : random.between(0, 20)
    if (isLong) this.count('long delay')
    return random.chance(0.5) ? { delayBeforeMs: ms } : { delayAfterMs: ms }
  }
}
