/** Whom the escalation consumer tells: `escalation` in signalbox.config.ts. Secrets belong into the environment, from where the config reads them. */

export interface WebhookTargetSettings {
  /** 1 to 64 of `a-z 0-9 -`: how logs, metrics and dead letters call it. */
  readonly name: string
  /** Where to post. It may have a token in its path: only its origin is ever logged. */
  readonly url: string
  /** One to five of `whsec_…`; each signs every request, so that a receiver can go from one to the next. */
  readonly secrets: readonly string[]
  /**
   * Whether loopback, private and shared addresses are allowed. Link-local ones and those where clouds tell their secrets never
   * are. Default: no.
   */
  readonly allowPrivate?: boolean
  /** Whether `http:` is allowed. Default: no. */
  readonly allowPlain?: boolean
  /** The ports that are allowed. Default: 443, and 80 where `allowPlain` is set. */
  readonly ports?: readonly number[]
  /** Certificate authorities to trust instead of the usual ones, PEM. */
  readonly certificateAuthorities?: readonly string[]
  /** Requests on their way at a time. Default: 4. */
  readonly concurrency?: number
  /** Notifications that wait or are on their way; more become dead letters. Default: 1,000. */
  readonly queueLimit?: number
  /** For one attempt, from resolving the host to the end of the answer. Default: 15,000. */
  readonly timeoutMs?: number
  /** At most so many for one notification. Default: 12, which takes about a quarter of an hour. */
  readonly attempts?: number
}

export interface EscalationSettings {
  /** Where to post. Without any, the inbox is all there is. */
  readonly targets?: readonly WebhookTargetSettings[]
  /**
   * By the name that contracts and settings ask (`to`), the targets to tell. Who has no route is told by the target of that name, and
   * where there is none by every target.
   */
  readonly routes?: Readonly<Record<string, readonly string[]>>
}
