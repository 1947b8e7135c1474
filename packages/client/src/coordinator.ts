/** What an agent's SDK needs of a coordinator: the gateway over HTTP, or its desk in the same process. */
import type { Decision, ExplanationJson, Intent, Invalidation, Observation, Read } from '@signalbox/contract'

/** Who asks may stop waiting before the time that it named; what was submitted is decided all the same. */
export interface WaitOptions {
  readonly waitMs?: number
  readonly signal?: AbortSignal
}

export interface SubmitOptions extends WaitOptions {
  /** How long to wait for the decision; 0 does not wait. */
  readonly waitMs: number
  /** Trace context (`traceparent`, `tracestate`) to hand on. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface ListQuery {
  readonly limit: number
}

export interface Coordinator {
  /** Submits an intent; null when no decision came within `waitMs` (it still will). Safe to repeat with the same intent. */
  submit(intent: Intent, options: SubmitOptions): Promise<Decision | null>
  /**
   * The decision on an intent, or that it is pending; null when it is not known (yet). Waits up to `waitMs` for the decision
   * of a pending one.
   */
  decision(intentId: string, options?: WaitOptions): Promise<Decision | null>
  /** What would be decided now. Writes nothing. */
  dryRun(intent: Intent): Promise<ExplanationJson>
  /**
   * Resources of a scope as one consistent cut, as of at least the log offset `atLeast`; null when that was not reached
   * within `waitMs`.
   */
  observe(scope: string, resources: readonly string[], options?: WaitOptions & { readonly atLeast?: number }): Promise<Observation | null>
  /**
   * Tells of each resource that moves beyond the version that was read, those that have moved already at once. Of several
   * moves of one resource, a slow reader is told the newest. Ends with `signal`, and at `close`.
   */
  watch(scope: string, reads: readonly Read[], options: { readonly signal: AbortSignal }): AsyncIterable<Invalidation>
  close(): Promise<void>
}
