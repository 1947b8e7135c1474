/** Runs one seed from its beginning to its verdict. */
import { checkAudits } from './check-audits.ts'
import { checkExplanations, checkHeldStates, copyHeldStates } from './check-services.ts'
import { checkWorld } from './checker.ts'
import type { PlantedBug, Violation } from './environment.ts'
import { describe } from './process.ts'
import { World } from './world.ts'

export interface RunOptions {
  readonly planted?: PlantedBug
  /** Gets every line of the trace. */
  readonly print?: (line: string) => void
}

export interface RunResult {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly traceHash: string
  readonly steps: number
  readonly intents: number
  readonly decisions: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly ownWays: Readonly<Record<string, number>>
  readonly given: number
  /** How often the log was moved into another. */
  readonly moves: number
  readonly faults: Readonly<Record<string, number>>
  readonly virtualMs: number
}

/** How long the services may take for what is asked of them at the end, in virtual time. */
const questionsBoundMs = 60_000

export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const undo = options.planted?.install?.()
  const world = new World(seed, { planted: options.planted ?? null, ...(options.print === undefined ? {} : { print: options.print }) })
  const { environment } = world
  const { faults, givenDecisions, report, time, trace } = environment
  const unhandled = (reason: unknown) => report('errors', `unhandled rejection: ${describe(reason)}`)
  process.on('unhandledRejection', unhandled)
  try {
    await world.play()
    const held = copyHeldStates(world)
    let isExplained = false
    void checkExplanations(world).then(() => {
      isExplained = true
    })
    if (!(await time.runUntil(() => isExplained, questionsBoundMs))) report('settles', 'an explanation did not come in time')
    await world.stop()
    let isAudited = false
    void checkAudits(world).then(() => {
      isAudited = true
    })
    if (!(await time.runUntil(() => isAudited, questionsBoundMs))) report('settles', 'an audit did not come to its end in time')
    const { decisions, intents, models, outcomes, ownWays } = checkWorld(world)
    // The last rejections that nobody handled are told of now.
    await new Promise((resolve) => setImmediate(resolve))
    // A model that parted from the log has no final state to compare with.
    if (!world.violations.some(({ check }) => check === 'exactly one')) checkHeldStates(held, models, report)
    return {
      seed,
      violations: world.violations,
      traceHash: trace.digest(),
      steps: trace.steps,
      intents,
      decisions,
      outcomes,
      ownWays,
      given: givenDecisions.length,
      moves: environment.eras.length - 1,
      faults: faults.injected,
      virtualMs: time.nowMs,
    }
  } finally {
    process.off('unhandledRejection', unhandled)
    undo?.()
  }
}
