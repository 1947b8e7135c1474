/** The figures of many runs. */
import type { RunResult } from './simulation.ts'

export class Summary {
  readonly #startedMs = performance.now()
  readonly #faults: Record<string, number> = {}
  readonly #outcomes: Record<string, number> = {}
  readonly #ownWays: Record<string, number> = {}
  readonly #failedSeeds: number[] = []
  #seeds = 0
  #decisions = 0
  #given = 0
  #moves = 0
  #virtualMs = 0
  intents = 0
  violations = 0

  add({ decisions, faults, given, intents, moves, outcomes, ownWays, seed, violations, virtualMs }: RunResult): void {
    this.#seeds++
    this.intents += intents
    this.#decisions += decisions
    this.#given += given
    this.#moves += moves
    this.#virtualMs += virtualMs
    this.violations += violations.length
    if (violations.length > 0 && this.#failedSeeds.length < 20) this.#failedSeeds.push(seed)
    addTo(this.#faults, faults)
    addTo(this.#outcomes, outcomes)
    addTo(this.#ownWays, ownWays)
  }

  toJson() {
    const kinds = sorted(this.#faults)
    const countOf = (isCounted: (kind: string) => boolean) => kinds.reduce((sum, [kind, count]) => sum + (isCounted(kind) ? count : 0), 0)
    return {
      seeds: this.#seeds,
      intents: this.intents,
      decisions: this.#decisions,
      decisions_by_outcome: Object.fromEntries(sorted(this.#outcomes)),
      own_ways: Object.fromEntries(sorted(this.#ownWays)),
      decisions_given_to_agents: this.#given,
      moves: this.#moves,
      violations: this.violations,
      failed_seeds: this.#failedSeeds,
      crashes: countOf((kind) => kind === 'crash' || kind.includes('crash-')),
      unknown_outcomes: countOf((kind) => kind.endsWith('OUTCOME_UNKNOWN')),
      zombies: countOf((kind) => kind === 'zombie'),
      faults: countOf(() => true),
      faults_by_kind: Object.fromEntries(kinds),
      virtual_hours: Math.round(this.#virtualMs / 36_000) / 100,
      seeds_per_s: Math.round((10_000 * this.#seeds) / (performance.now() - this.#startedMs)) / 10,
    }
  }
}

function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1))
}
