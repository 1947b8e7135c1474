/** A coordinator that never sees personal data: the agent's own process encrypts it, and reads what comes back. */
import type { Decision, ExplanationJson, Intent, Invalidation, Observation, Read } from '@signalbox/contract'
import type { Coordinator, SubmitOptions } from './coordinator.ts'

/** As `personalData` of `@signalbox/personal` makes it of a key store and contracts. */
export interface Personal {
  protect(intent: Intent): Intent
  protectTrial(intent: Intent): Intent
  reveal<Value>(value: Value): Value
}

export class PersonalCoordinator implements Coordinator {
  readonly #coordinator: Coordinator
  readonly #personal: Personal

  constructor(coordinator: Coordinator, personal: Personal) {
    this.#coordinator = coordinator
    this.#personal = personal
  }

  async submit(intent: Intent, options: SubmitOptions): Promise<Decision | null> {
    return this.#personal.reveal(await this.#coordinator.submit(this.#personal.protect(intent), options))
  }

  async decision(intentId: string, options?: { readonly waitMs?: number }): Promise<Decision | null> {
    return this.#personal.reveal(await this.#coordinator.decision(intentId, options))
  }

  async dryRun(intent: Intent): Promise<ExplanationJson> {
    return this.#personal.reveal(await this.#coordinator.dryRun(this.#personal.protectTrial(intent)))
  }

  async observe(
    scope: string,
    resources: readonly string[],
    options?: { readonly atLeast?: number; readonly waitMs?: number },
  ): Promise<Observation | null> {
    return this.#personal.reveal(await this.#coordinator.observe(scope, resources, options))
  }

  watch(scope: string, reads: readonly Read[], options: { readonly signal: AbortSignal }): AsyncIterable<Invalidation> {
    return this.#coordinator.watch(scope, reads, options)
  }

  async close(): Promise<void> {
    await this.#coordinator.close()
  }
}
