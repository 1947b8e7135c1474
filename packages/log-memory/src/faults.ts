import { LogError, type LogErrorCode, type Topic } from '@signalbox/log'
import type { LogClock } from './clock.ts'
import type { Lifetime } from './lifetime.ts'

export type FaultOperation =
  | 'append'
  | 'cursor'
  | 'cursor.next'
  | 'cursor.close'
  | 'offsets'
  | 'join'
  | 'leave'
  | 'open'
  | 'writer.append'
  | 'writer.close'
  | 'close'
  | 'snapshots.newest'
  | 'snapshots.write'

/** One call of the port, as the fault function sees it. */
export interface FaultCall {
  readonly operation: FaultOperation
  /** The name the handle was created with. */
  readonly process: string
  readonly topic: Topic | null
  readonly partition: number | null
}

export type FaultOutcome =
  | 'proceed'
  /** Fails with `code` (TRANSIENT when none is given) and has no effect. */
  | 'fail-before'
  /** Takes effect, and then fails with `code` (OUTCOME_UNKNOWN when none is given): the answer is lost. */
  | 'fail-after'
  /** Never takes effect and answers only when the handle is closed. */
  | 'hang-before'
  /** Takes effect and answers only when the handle is closed. */
  | 'hang-after'
  /** The process dies before the call takes effect. */
  | 'crash-before'
  /** The process dies after the call took effect and before it answers. */
  | 'crash-after'

export interface FaultDecision {
  readonly outcome?: FaultOutcome
  readonly code?: LogErrorCode
  /** Waits this long, by the clock, before the call takes effect. */
  readonly delayBeforeMs?: number
  /** Waits this long, by the clock, between the effect and the answer. */
  readonly delayAfterMs?: number
  /** Writes an appended intent twice, as a producer without idempotence does. The answer names the first. */
  readonly duplicate?: boolean
}

export type FaultFunction = (call: FaultCall) => FaultDecision | undefined | Promise<FaultDecision | undefined>

const NO_FAULT: FaultDecision = {}

export interface FaultGateOptions {
  readonly process: string
  readonly clock: LogClock
  readonly fault: FaultFunction | undefined
  readonly crash: () => void
}

/** Every call of the port goes through here, and fails here when the fault function says so. */
export class FaultGate {
  readonly #options: FaultGateOptions

  constructor(options: FaultGateOptions) {
    this.#options = options
  }

  async run<Result>(
    call: Omit<FaultCall, 'process'>,
    lifetime: Lifetime,
    effect: (decision: FaultDecision) => Result | Promise<Result>,
  ): Promise<Result> {
    await lifetime.checkOpen()
    const { fault, process, crash } = this.#options
    if (fault === undefined) return this.#answer(lifetime, await effect(NO_FAULT))
    const decision = (await fault({ ...call, process })) ?? NO_FAULT
    const where = `${call.operation} of ${process}${call.partition === null ? '' : ` on partition ${call.partition}`}`
    if (decision.delayBeforeMs !== undefined) await this.sleep(decision.delayBeforeMs, lifetime)
    if (decision.outcome === 'crash-before') crash()
    await lifetime.checkOpen()
    if (decision.outcome === 'hang-before') await lifetime.hang()
    if (decision.outcome === 'fail-before') {
      throw new LogError(decision.code ?? 'TRANSIENT', `Injected fault: ${where} failed before it took effect.`)
    }
    const result = await effect(decision)
    if (decision.delayAfterMs !== undefined) await this.sleep(decision.delayAfterMs, lifetime)
    if (decision.outcome === 'crash-after') crash()
    if (decision.outcome === 'hang-after') await lifetime.hang()
    if (decision.outcome === 'fail-after') {
      throw new LogError(decision.code ?? 'OUTCOME_UNKNOWN', `Injected fault: the answer of ${where} was lost after it took effect.`)
    }
    return this.#answer(lifetime, result)
  }

  /** Sleeps by the clock, or until the lifetime ends. */
  async sleep(ms: number, lifetime: Lifetime): Promise<void> {
    if (lifetime.state !== 'open') return
    const ended = new AbortController()
    const forget = lifetime.onEnd(() => ended.abort('over'))
    await this.#options.clock.sleep(ms, ended.signal)
    forget()
  }

  async #answer<Result>(lifetime: Lifetime, result: Result): Promise<Result> {
    await lifetime.checkAlive()
    return result
  }
}
