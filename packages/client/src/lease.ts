import type { Decision, ReservationData } from '@signalbox/contract'
import { ClientError } from './errors.ts'
import type { ProposedAction } from './proposal.ts'

/** Proposes actions under the lease, in the scope of what is held. */
export type ProposeUnderLease = (actions: readonly ProposedAction[]) => Promise<Decision>

/** Resources that an agent holds while it thinks. Propose with `reservation: lease.id` while it lasts. */
export class Lease {
  /** Named by the intents that act under it. */
  readonly id: string
  readonly scope: string
  /** What is held, as type/id, with the fencing token of each: it rises with every lease, so that the world can tell an old one. */
  readonly tokens: ReadonlyMap<string, number>
  #expiresMs: number
  readonly #propose: ProposeUnderLease

  constructor(decision: Decision, propose: ProposeUnderLease) {
    this.#propose = propose
    this.id = decision.intentId!
    this.scope = decision.scope
    const held = decision.changes.filter(({ resource }) => resource.startsWith('reservation/'))
    this.tokens = new Map(held.map(({ data, resource }) => [resource.slice('reservation/'.length), (data as ReservationData).token]))
    this.#expiresMs = expiryOf(decision)
  }

  /** By the log's time: milliseconds since 1970, UTC. */
  get expiresMs(): number {
    return this.#expiresMs
  }

  /** Holds on for `forMs` from now. Gives the decision: a reject says that the lease is gone. */
  async renew(forMs: number): Promise<Decision> {
    const decision = await this.#each('renew', { forMs })
    if (decision.committed) this.#expiresMs = expiryOf(decision)
    return decision
  }

  /** Lets other agents act under the lease too, by its id; whom an earlier call named is replaced. */
  async delegate(to: readonly string[]): Promise<Decision> {
    return await this.#each('delegate', { to })
  }

  async release(): Promise<Decision> {
    return await this.#each('release')
  }

  async #each(action: string, input: Readonly<Record<string, unknown>> = {}): Promise<Decision> {
    return await this.#propose([...this.tokens.keys()].map((resource) => ({ resource: `reservation/${resource}`, action, input })))
  }
}

function expiryOf({ changes }: Decision): number {
  return Math.min(
    ...changes.flatMap(({ data, resource }) => (resource.startsWith('reservation/') ? [(data as ReservationData).expiresMs] : [])),
  )
}

/** The decision of a reservation that was not given. */
export class NotReserved extends ClientError {
  readonly decision: Decision

  constructor(decision: Decision) {
    super('REFUSED', decision.message ?? 'the reservation was not given', { problem: decision.code ?? 'INTERNAL' })
    this.decision = decision
  }
}
