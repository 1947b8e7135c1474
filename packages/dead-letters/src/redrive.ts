/**
 * Redrives letters. For each, in this order: what would be decided now; the mark, an intent of a human, which gives the id of the new
 * intent; that intent. Cut off behind the mark, the next run appends the same intent under the same id: a duplicate at worst.
 *
 * Invariants:
 *  1. No letter has two intents: the mark is committed once, and it alone says the id.
 *  2. Within a lane (a scope), the next letter is begun when the decision on the one before is known.
 *  3. What was begun is finished before `run` resolves, also when it is stopped.
 */
import {
  bareIntent,
  type ContractSet,
  canonicalize,
  type DeadLetterData,
  type Decision,
  decisionOutcome,
  type ExplanationJson,
  type Intent,
  type JsonObject,
  type Limits,
  parseDeadLetterId,
  systemScope,
} from '@signalbox/contract'
import type { Clock } from '@signalbox/log'
import { type BlockedCode, blockedBefore, holdsOthersBack, SameIntents } from './blocked.ts'
import type { DeadLetter } from './letter.ts'
import { Pace } from './pace.ts'
import type { DeadLetters } from './read.ts'
import { NoIntentError, type Redrive, rebuildIntent } from './rebuild.ts'
import { lanesOf } from './select.ts'

const submitWaitMs = 10_000
const submitTries = 3

/** Where intents are sent to: a gateway. What it does not take at all makes it throw NoIntentError. */
export interface RedriveDesk {
  dryRun(intent: Intent): Promise<ExplanationJson>
  submit(intent: Intent, options: { readonly waitMs: number }): Promise<Decision | null>
  decision(intentId: string): Promise<Decision | null>
}

export interface RedriveSettings {
  readonly letters: DeadLetters
  readonly desk: RedriveDesk
  readonly contracts: ContractSet
  readonly limits: Limits
  readonly partitionCount: number
  /** human:NAME */
  readonly by: string
  readonly reason: string
  readonly fresh: boolean
  /** Names the run, in the log. */
  readonly batch: string | null
  /** Says what would be; writes nothing. */
  readonly dryRun: boolean
  /** Whether those behind one that fails are redriven all the same. */
  readonly goOn: boolean
  /** In place of what the letter holds; of one letter alone. */
  readonly edited: Intent | null
  readonly perSecond: number
  readonly lanesAtOnce: number
  readonly clock: Clock
  /** A new UUIDv7. */
  readonly newId: () => string
  /** No letter is begun any more. */
  readonly signal: AbortSignal
  readonly done?: (result: RedriveResult) => void
  /** Default: `lanesOf`. */
  readonly lanes?: typeof lanesOf
}

export interface RedriveResult {
  readonly id: string
  readonly scope: string | null
  readonly agent: string | null
  /**
   * Of a dry run, what it would be. `blocked`: not redriven, `code` says why. `held-back`: one before it in its scope failed.
   * `undecided`: appended, its decision is not known yet. `left`: the run was stopped before it.
   */
  readonly outcome: 'committed' | 'rejected' | 'pending' | 'shadowed' | 'undecided' | 'blocked' | 'held-back' | 'left'
  readonly code: string | BlockedCode | null
  readonly message: string | null
  /** Null where there is no new intent, and of a dry run. */
  readonly intentId: string | null
  readonly event: string | null
  /** Whether an earlier run had begun it. */
  readonly resumed: boolean
}

export interface RedriveRun {
  /** In the order in which they ended. */
  readonly results: readonly RedriveResult[]
  /** What stopped it; null where it came to its end, or was stopped by its signal. */
  readonly error: unknown
}

/** The mark was refused, which concerns all letters alike. */
export class RedriveRefusedError extends Error {
  override readonly name = 'RedriveRefusedError'
}

export async function redriveLetters(settings: RedriveSettings, selected: readonly DeadLetter[]): Promise<RedriveRun> {
  const run = new Run(settings, selected)
  return await run.toEnd()
}

class Run {
  readonly #settings: RedriveSettings
  readonly #lanes: Iterator<readonly DeadLetter[]>
  readonly #same: SameIntents
  readonly #pace: Pace
  readonly #results: RedriveResult[] = []
  readonly #failed = new AbortController()
  readonly #signal: AbortSignal
  #error: unknown = null

  constructor(settings: RedriveSettings, selected: readonly DeadLetter[]) {
    this.#settings = settings
    this.#lanes = (settings.lanes ?? lanesOf)(selected)[Symbol.iterator]()
    this.#same = new SameIntents(settings.letters.all, selected)
    this.#pace = new Pace(settings.perSecond, settings.clock)
    this.#signal = AbortSignal.any([settings.signal, this.#failed.signal])
  }

  async toEnd(): Promise<RedriveRun> {
    const workers = Array.from({ length: this.#settings.lanesAtOnce }, async () => {
      for (let lane = this.#lanes.next(); lane.done !== true; lane = this.#lanes.next()) await this.#lane(lane.value)
    })
    await Promise.all(workers)
    return { results: this.#results, error: this.#error }
  }

  async #lane(letters: readonly DeadLetter[]): Promise<void> {
    const { dryRun, goOn } = this.#settings
    let failed: RedriveResult | null = null
    for (const letter of letters) {
      if (failed !== null && !goOn && !dryRun) {
        const message = `${failed.id}, which was sent before it in scope ${letter.scope}, ${failed.outcome === 'blocked' ? 'stays' : 'is'} ${failed.outcome}${failed.code === null ? '' : ` ${failed.code}`}; look at that one, or pass over it (--go-on)`
        this.#end(without(letter, 'held-back', null, message))
        continue
      }
      const result = await this.#letter(letter)
      this.#end(result)
      if (isFailure(result)) failed = result
    }
  }

  async #letter(letter: DeadLetter): Promise<RedriveResult> {
    const blocked = blockedBefore(letter, this.#same, this.#settings.edited !== null)
    if (blocked !== null) return without(letter, 'blocked', blocked.code, blocked.message)
    if (!this.#settings.dryRun) await this.#pace.turn(this.#signal)
    if (this.#signal.aborted) return without(letter, 'left', null, 'the run was stopped before it; run the same command again')
    try {
      return await this.#redrive(letter)
    } catch (error) {
      if (error instanceof NoIntentError) return without(letter, 'blocked', 'NO_INTENT', error.message)
      this.#error ??= error
      this.#failed.abort()
      return without(letter, 'undecided', null, `it was not brought to its end: ${(error as Error).message}`)
    }
  }

  async #redrive(letter: DeadLetter): Promise<RedriveResult> {
    const { by, desk, dryRun, fresh, newId, reason } = this.#settings
    const original = await this.#original(letter)
    const { standing } = letter
    if (standing.state === 'redriven') {
      const intent = this.#rebuild(letter, original, { ...standing, intentId: standing.intentId! })
      if (dryRun) return wouldBe(letter, await desk.dryRun(intent))
      const known = await desk.decision(intent.intentId)
      return known !== null && known.code !== 'INTENT_FROM_THE_FUTURE'
        ? decided(letter, known, true)
        : await this.#append(letter, intent, true)
    }
    const would = await desk.dryRun(this.#rebuild(letter, original, { intentId: newId(), by, reason, fresh }))
    if (would.code === 'DEAD_LETTERED')
      return without(letter, 'blocked', 'STILL_DEAD_LETTERED', `it would be a dead letter again: ${would.message}`)
    if (dryRun) return wouldBe(letter, would)
    const mark = await this.#mark(letter)
    if (mark === null)
      return without(letter, 'blocked', 'TAKEN', `somebody else settled it meanwhile: signalbox dead-letter show ${letter.id}`)
    return await this.#append(letter, this.#rebuild(letter, original, { ...mark, intentId: mark.intentId! }), false)
  }

  async #original(letter: DeadLetter): Promise<Intent> {
    const { edited, letters } = this.#settings
    return edited ?? ((await letters.whole(letter)).decoded as Intent)
  }

  #rebuild(letter: DeadLetter, original: Intent, redrive: Redrive): Intent {
    const { contracts, edited, limits } = this.#settings
    return rebuildIntent(letter, original, redrive, { contracts, limits, edited: edited !== null })
  }

  /** Null where it has been settled by somebody else. */
  async #mark({ id }: DeadLetter): Promise<DeadLetterData | null> {
    const { batch, by, edited, fresh, newId, partitionCount, reason } = this.#settings
    const input = { reason, fresh, edited: edited !== null, batch }
    const decision = await this.#submit(verdictIntent({ intentId: newId(), agent: by, id, action: 'redrive', input, partitionCount }))
    if (decision === null)
      throw new RedriveRefusedError(`that ${id} is redriven was not decided in time; is a sequencer running? Run the same command again`)
    if (decision.committed) return decision.changes[0]!.data as DeadLetterData
    if (decision.code === 'STATE_CONFLICT') return null
    throw new RedriveRefusedError(`${by} may not redrive ${id}: ${decision.code}: ${decision.message}`)
  }

  async #append(letter: DeadLetter, intent: Intent, resumed: boolean): Promise<RedriveResult> {
    const decision = await this.#submit(intent)
    if (decision !== null && decision.code !== 'INTENT_FROM_THE_FUTURE') return decided(letter, decision, resumed)
    const message = `it is redriven as intent ${intent.intentId}, and has no decision yet; run the same command again`
    return { ...without(letter, 'undecided', decision?.code ?? null, message), intentId: intent.intentId, resumed }
  }

  /** Sent again it is the same intent. */
  async #submit(intent: Intent): Promise<Decision | null> {
    for (let left = submitTries; left > 0; left--) {
      const decision = await this.#settings.desk.submit(intent, { waitMs: submitWaitMs })
      if (decision !== null) return decision
    }
    return null
  }

  #end(result: RedriveResult): void {
    this.#results.push(result)
    this.#settings.done?.(result)
  }
}

export interface Verdict {
  readonly intentId: string
  readonly agent: string
  /** Of the letter. */
  readonly id: string
  readonly action: 'redrive' | 'discard' | 'reopen'
  readonly input: JsonObject
  readonly partitionCount: number
}

/** What a human decides of a letter, as an intent. */
export function verdictIntent({ action, agent, id, input, intentId, partitionCount }: Verdict): Intent {
  const scope = systemScope(parseDeadLetterId(id)!.partition, partitionCount)
  const actions = [{ resource: `dead-letter/${id}`, action, input: canonicalize(input), expectedVersion: null }]
  return bareIntent({ intentId, scope, agent, actions })
}

function without(
  { agent, id, scope }: DeadLetter,
  outcome: RedriveResult['outcome'],
  code: RedriveResult['code'],
  message: string,
): RedriveResult {
  return { id, scope, agent, outcome, code, message, intentId: null, event: null, resumed: false }
}

function decided({ agent, id, scope }: DeadLetter, decision: Decision, resumed: boolean): RedriveResult {
  const { code, event, intentId, message } = decision
  return { id, scope, agent, outcome: decisionOutcome(decision), code, message, intentId, event, resumed }
}

function wouldBe(letter: DeadLetter, { code, message, outcome }: ExplanationJson): RedriveResult {
  // It was appended by an earlier run, and decided since it was read.
  const is = outcome === 'duplicate' ? 'committed' : outcome
  return { ...without(letter, is, code, ''), message, resumed: letter.standing.state === 'redriven' }
}

/** Whether those that were sent after it must wait. */
function isFailure({ code, outcome }: RedriveResult): boolean {
  if (outcome === 'blocked') return holdsOthersBack({ code: code as BlockedCode, message: '' })
  return outcome === 'rejected' || outcome === 'pending' || outcome === 'undecided' || outcome === 'left'
}
