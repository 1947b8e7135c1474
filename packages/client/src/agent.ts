/** The SDK for agents: observe, propose on what was seen, and read the decision. The read set cannot be forgotten. */
import {
  canonicalize,
  type Decision,
  type ExplanationJson,
  type Intent,
  type Invalidation,
  isMarked,
  makeUuidV7,
  type Observation,
} from '@signalbox/contract'
import type { HeadersOption } from './connection.ts'
import type { Coordinator } from './coordinator.ts'
import { ClientError } from './errors.ts'
import { HttpCoordinator } from './http.ts'
import { Lease, NotReserved } from './lease.ts'
import { type Personal, PersonalCoordinator } from './personal.ts'
import type { ProposedAction, ProposeOptions, Retry, Seen } from './proposal.ts'

export interface ConnectOptions {
  /** The gateway's address, or a coordinator in this process. */
  readonly url?: string
  /** Sent with every request to the url, to a proxy that wants to know who asks, say. A function is asked each time. */
  readonly headers?: HeadersOption
  readonly coordinator?: Coordinator
  /** Who asks. */
  readonly agent: string
  /** How long `propose` waits for its decision. Default 10,000. */
  readonly waitMs?: number
  /** Default: the system clock and random bits. */
  readonly newId?: () => string
  /** Encrypts personal data here already, so that not even the gateway sees it. Left out: the gateway does. */
  readonly personal?: Personal
}

const bitsAnId = 10
// Random bits are cheap by the thousand and dear by the ten.
const randomBits = new Uint8Array(256 * bitsAnId)
let usedBits = randomBits.length

/** A fresh UUIDv7. */
export function newIntentId(): string {
  if (usedBits === randomBits.length) {
    crypto.getRandomValues(randomBits)
    usedBits = 0
  }
  const from = usedBits
  usedBits += bitsAnId
  return makeUuidV7(Date.now(), randomBits.subarray(from, usedBits))
}

export class Agent {
  readonly name: string
  readonly #coordinator: Coordinator
  readonly #waitMs: number
  readonly #newId: () => string

  constructor(coordinator: Coordinator, options: ConnectOptions) {
    this.name = options.agent
    this.#coordinator = coordinator
    this.#waitMs = options.waitMs ?? 10_000
    this.#newId = options.newId ?? newIntentId
  }

  /** Several resources as one consistent cut, at least as new as `after` (a decision of one's own, say). Throws ClientError TIMED_OUT. */
  async observe(
    scope: string,
    resources: readonly string[],
    options: { readonly after?: Pick<Decision, 'position'>; readonly waitMs?: number } = {},
  ): Promise<Seen> {
    const waitMs = options.waitMs ?? this.#waitMs
    const atLeast = options.after === undefined ? {} : { atLeast: Number(options.after.position.split(':')[1]) }
    const observation = await this.#coordinator.observe(scope, resources, { ...atLeast, waitMs })
    if (observation === null)
      throw new ClientError(
        'TIMED_OUT',
        `scope ${scope} did not reach position ${options.after?.position} within ${waitMs} ms; is the sequencer running? (signalbox status)`,
      )
    return seen(observation)
  }

  /**
   * Proposes actions on what was seen: every resource seen goes into the read set, and every action expects the version
   * that was seen of its resource. Resolves to the decision, committed or rejected, or to one that is pending: it waits
   * longer than `waitMs`, or a human is asked. Throws ClientError TIMED_OUT when none came in time: the intent may still be
   * decided, and proposing it again with the same `intentId` is safe. With `retry`, what was rejected because something had
   * moved is observed again, and the agent is asked anew.
   */
  async propose(
    on: Pick<Seen, 'scope' | 'resources'>,
    actions: readonly ProposedAction[],
    options: ProposeOptions = {},
  ): Promise<Decision> {
    const { retry, ...once } = options
    const decision = await this.submit(this.intent(on, actions, options), options)
    if (retry === undefined) return decision
    const resources = on.resources.map(({ resource }) => resource)
    return await this.#again(on.scope, resources, decision, retry, once)
  }

  async #again(
    scope: string,
    resources: readonly string[],
    first: Decision,
    { again, attempts }: Retry,
    options: ProposeOptions,
  ): Promise<Decision> {
    let decision = first
    for (let attempt = 1; attempt < attempts && !decision.committed && isMarked(decision.code ?? '', 'moved'); attempt++) {
      const seen = await this.observe(scope, resources, { after: decision })
      const actions = await again({ decision, missed: decision.missed, seen })
      if (actions === null) break
      const { intentId: _used, ...rest } = options
      decision = await this.submit(this.intent(seen, actions, { ...rest, causationId: decision.intentId }), options)
    }
    return decision
  }

  /** Tells of what was seen and moves: an agent that thinks for minutes need not learn it at commit. Ends with `signal`. */
  watch(on: Pick<Seen, 'scope' | 'resources'>, options: { readonly signal: AbortSignal }): AsyncIterable<Invalidation> {
    const reads = on.resources.map(({ resource, version }) => ({ resource, version }))
    return this.#coordinator.watch(on.scope, reads, options)
  }

  /** Holds resources (type/id) for `forMs`, all or none. Waits where told to. Throws NotReserved. */
  async reserve(
    scope: string,
    resources: readonly string[],
    options: { readonly forMs: number; readonly wait?: boolean; readonly waitMs?: number; readonly priority?: number },
  ): Promise<Lease> {
    const { forMs, priority, wait = false, waitMs } = options
    const actions = resources.map((resource) => ({ resource: `reservation/${resource}`, action: 'take', input: { forMs } }))
    const decision = await this.propose({ scope, resources: [] }, actions, {
      onConflict: wait ? 'wait' : 'reject',
      ...(priority === undefined ? {} : { priority }),
      ...(waitMs === undefined ? {} : { waitMs, deadline: Date.now() + waitMs }),
    })
    if (!decision.committed) throw new NotReserved(decision)
    const on = { scope: decision.scope, resources: [] }
    return new Lease(decision, (leased) => this.propose(on, leased, { reservation: decision.intentId! }))
  }

  /** Takes a pending intent back. */
  async withdraw(scope: string, intentId: string, reason?: string): Promise<Decision> {
    return await this.propose({ scope, resources: [] }, [
      { resource: `intent/${intentId}`, action: 'withdraw', input: reason === undefined ? {} : { reason } },
    ])
  }

  /**
   * Does in the world what a commit asks for, and reports it: `act` gets each effect's id, to be used as idempotency key
   * there. What it throws is reported as failed, and thrown. Gives the decisions on the reports.
   */
  async perform(
    decision: Decision,
    act: (effect: Decision['effects'][number]) => Promise<string | undefined>,
  ): Promise<readonly Decision[]> {
    const reports: Decision[] = []
    for (const effect of decision.effects) {
      const on = { scope: decision.scope, resources: [] }
      const report = (action: string, input: Readonly<Record<string, unknown>>) =>
        this.propose(on, [{ resource: `effect/${effect.effectId}`, action, input }], {
          correlationId: decision.intentId ?? effect.effectId,
          causationId: decision.intentId,
        })
      try {
        const result = await act(effect)
        reports.push(await report('done', result === undefined ? {} : { result }))
      } catch (error) {
        await report('failed', { reason: `${(error as Error).message || error}`.slice(0, 1_000) })
        throw error
      }
    }
    return reports
  }

  /** What would be decided now, and why. Writes nothing. */
  async dryRun(
    on: Pick<Seen, 'scope' | 'resources'>,
    actions: readonly ProposedAction[],
    options: ProposeOptions = {},
  ): Promise<ExplanationJson> {
    return await this.#coordinator.dryRun(this.intent(on, actions, options))
  }

  /** The intent that `propose` would submit. Throws JsonError for input that JSON cannot hold. */
  intent(on: Pick<Seen, 'scope' | 'resources'>, actions: readonly ProposedAction[], options: ProposeOptions = {}): Intent {
    const intentId = options.intentId ?? this.#newId()
    const versionOf = (name: string) => on.resources.find(({ resource }) => resource === name)?.version ?? null
    return {
      intentId,
      scope: on.scope,
      agent: this.name,
      actions: actions.map(({ action, input, resource }) => ({
        resource,
        action,
        input: input === undefined ? '{}' : canonicalize(input, `input of ${action} ${resource}`),
        expectedVersion: versionOf(resource),
      })),
      reads: on.resources.map(({ resource, version }) => ({ resource, version })),
      correlationId: options.correlationId ?? intentId,
      causationId: options.causationId ?? null,
      deadline: options.deadline ?? null,
      priority: options.priority ?? null,
      confidence: options.confidence ?? null,
      onConflict: options.onConflict ?? 'reject',
      reservation: options.reservation ?? null,
      note: options.note ?? null,
      signature: null,
      causationDepth: options.causationDepth ?? null,
    }
  }

  /** Submits an intent made elsewhere. Throws ClientError TIMED_OUT. */
  async submit(intent: Intent, options: { readonly waitMs?: number } = {}): Promise<Decision> {
    const waitMs = options.waitMs ?? this.#waitMs
    const decision = await this.#coordinator.submit(intent, { waitMs })
    if (decision === null)
      throw new ClientError(
        'TIMED_OUT',
        `intent ${intent.intentId} was not decided within ${waitMs} ms; it still may be: ask with signalbox intent show ${intent.intentId}, or propose it again with the same id`,
      )
    return decision
  }

  /** What became of an intent; waits up to `waitMs` for the decision of a pending one. Null where it is not known. */
  async decision(intentId: string, options: { readonly waitMs?: number } = {}): Promise<Decision | null> {
    return await this.#coordinator.decision(intentId, options)
  }

  async close(): Promise<void> {
    await this.#coordinator.close()
  }
}

function seen({ position, resources, scope }: Observation): Seen {
  return {
    scope,
    position,
    resources,
    get(resource) {
      const found = resources.find((each) => each.resource === resource)
      if (found === undefined)
        throw new RangeError(`${resource} was not observed; observe it together with ${resources.map((each) => each.resource).join(', ')}`)
      return found
    },
  }
}

/** Connects an agent. Nothing is sent before the first call. */
export function connect(options: ConnectOptions): Agent {
  const coordinator = options.coordinator ?? httpCoordinator(options)
  if (coordinator === null) throw new ClientError('UNREACHABLE', 'give connect the url of a gateway, or a coordinator')
  return new Agent(options.personal === undefined ? coordinator : new PersonalCoordinator(coordinator, options.personal), options)
}

function httpCoordinator({ headers, url }: ConnectOptions): HttpCoordinator | null {
  if (url === undefined) return null
  return new HttpCoordinator(url, headers === undefined ? {} : { headers })
}
