/** What an agent's SDK needs of a coordinator: the gateway over HTTP, or its desk in the same process. */
import type { Decision, ExplanationJson, Intent, Observation } from '@signalbox/contract'

export interface SubmitOptions {
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
  /** The decision on an intent; null when there is none (yet). */
  decision(intentId: string): Promise<Decision | null>
  /** What would be decided now. Writes nothing. */
  dryRun(intent: Intent): Promise<ExplanationJson>
  /**
   * Resources of a scope as one consistent cut, as of at least the log offset `atLeast`; null when that was not reached
   * within `waitMs`.
   */
  observe(
    scope: string,
    resources: readonly string[],
    options?: { readonly atLeast?: number; readonly waitMs?: number },
  ): Promise<Observation | null>
  close(): Promise<void>
}
