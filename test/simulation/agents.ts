/** The agents of the simulated world: production clients, each with a script drawn from the seed. */
import { type Agent, ClientError, connect, type ProposedAction, type Seen } from '@signalbox/client'
import { type Decision, type Intent, makeUuidV7 } from '@signalbox/contract'
import { isLogError } from '@signalbox/log'
import { drawCoordination } from './coordinations.ts'
import type { Environment } from './environment.ts'
import { drawActions, drawResources, openingActions, reuse, spoil } from './intents.ts'
import { Connection } from './network.ts'
import { describe } from './process.ts'
import type { Random } from './random.ts'
import type { GatewayProcess } from './services.ts'
import { MachineClock } from './virtual-clock.ts'

const attempts = 5

export class SimulatedAgent {
  readonly name: string
  readonly clock: MachineClock
  readonly #environment: Environment
  readonly #random: Random
  readonly #agent: Agent
  /** Everything it ever asked for. */
  readonly #asked: Intent[] = []
  /** Asked for, and no decision given. */
  readonly #open = new Set<Intent>()
  #isDone = false
  /** The lease that it took last. */
  #lease: string | null = null

  constructor(environment: Environment, gateways: readonly GatewayProcess[], name: string, offsetMs: number) {
    this.name = name
    this.#environment = environment
    this.#random = environment.random.stream(name)
    this.clock = new MachineClock(environment.time, offsetMs)
    this.#agent = connect({
      coordinator: new Connection(environment, gateways, name),
      agent: name,
      waitMs: 2_000,
      newId: () => makeUuidV7(this.clock.nowMs(), this.#random.bytes(10)),
    })
  }

  /** Its script is played, or cut off. */
  get isDone(): boolean {
    return this.#isDone
  }

  get openIntents(): number {
    return this.#open.size
  }

  get intents(): readonly Intent[] {
    return this.#asked
  }

  /** Plays the script; `opens` says whether it begins by opening what everybody works with. */
  async play(operations: number, opens: boolean): Promise<void> {
    const { faults, scopes, time } = this.#environment
    if (opens)
      await Promise.all(scopes.map((scope) => this.#submit(this.#agent.intent({ scope, resources: [] }, openingActions(this.#random)))))
    for (let operation = 0; operation < operations && !faults.isHealed; operation++) {
      await time.sleep(this.#random.between(0, 400))
      try {
        await this.#operate()
      } catch (error) {
        this.#judge(error)
      }
    }
    this.#isDone = true
  }

  /** Asks again, with the same ids, for everything that has no decision yet. */
  async finish(): Promise<void> {
    for (const intent of this.#open) {
      while (this.#open.has(intent)) {
        await this.#environment.time.sleep(this.#random.between(20, 300))
        await this.#attempt(intent, () => this.#agent.submit(intent))
      }
    }
  }

  async #operate(): Promise<void> {
    const random = this.#random
    const earlier = this.#asked.length === 0 ? null : random.pick(this.#asked)
    const kind = random.weighted({
      propose: 10,
      blind: 6,
      spoiled: 3,
      again: earlier === null ? 0 : 2,
      reused: earlier === null ? 0 : 2,
      coordinate: 7,
      look: 1,
      dryRun: 1,
    })
    if (kind === 'propose') return await this.#propose()
    if (kind === 'coordinate') return await this.#coordinate(earlier)
    if (kind === 'look') return await this.#look(earlier)
    if (kind === 'again' || kind === 'reused') {
      await this.#submit(kind === 'again' ? earlier! : reuse(earlier!, random))
      return
    }
    const scope = random.pick(this.#environment.scopes)
    const intent = this.#agent.intent({ scope, resources: [] }, drawActions(random, drawResources(random), null), this.#options())
    if (kind === 'dryRun') {
      const explanation = await this.#agent.dryRun({ scope, resources: [] }, drawActions(random, drawResources(random), null))
      this.#environment.trace.note(`${this.name} would get ${explanation.outcome} ${explanation.code}`)
    } else await this.#submit(kind === 'spoiled' ? spoil(intent, random, this.clock.nowMs()) : intent)
  }

  /** Leases, withdrawals and reports of effects; of a human, verdicts and quarantines too. */
  async #coordinate(earlier: Intent | null): Promise<void> {
    const random = this.#random
    const isHuman = this.name.startsWith('human:')
    const scope = earlier?.scope ?? random.pick(this.#environment.scopes)
    const drawn = drawCoordination(
      random,
      isHuman ? (random.pick(this.#environment.givenDecisions)?.intentId ?? null) : (earlier?.intentId ?? null),
      isHuman,
    )
    const home = drawn.resource.startsWith('agent/') ? `~${drawn.resource}` : scope
    if (drawn.resource.startsWith('escalation/')) return await this.#answer(scope, drawn)
    const intent = this.#agent.intent({ scope: home, resources: [] }, [drawn], this.#options())
    const decision = await this.#submit(intent)
    if (decision?.committed && drawn.action === 'take') this.#lease = intent.intentId
  }

  /** A verdict on what a human saw, or on what nobody ever asked. */
  async #answer(scope: string, drawn: ProposedAction): Promise<void> {
    const seen = await this.#observe(scope, [drawn.resource])
    await this.#environment.time.sleep(this.#random.between(0, 2_000))
    const digest = (seen.get(drawn.resource)?.data as { readonly digest?: string } | undefined)?.digest ?? 'none'
    const input = { ...drawn.input, ...(drawn.action === 'reject' ? {} : { digest: this.#random.chance(0.8) ? digest : 'stale' }) }
    const intent = this.#agent.intent({ scope, resources: [] }, [{ ...drawn, input }])
    await this.#submit(intent)
    if (this.#random.chance(0.2)) await this.#submit(this.#agent.intent({ scope, resources: [] }, [{ ...drawn, input }]))
  }

  #options() {
    const random = this.#random
    return {
      intentId: makeUuidV7(this.clock.nowMs(), random.bytes(10)),
      ...(random.chance(0.1) ? { deadline: this.clock.nowMs() + random.between(-500, 2_000) } : {}),
      ...(random.chance(0.25) ? { onConflict: 'wait' as const } : {}),
      ...(random.chance(0.2) ? { priority: random.between(0, 7) } : {}),
      ...(this.#lease !== null && random.chance(0.4) ? { reservation: this.#lease } : {}),
      ...(random.chance(0.2) ? { correlationId: `work-${random.between(1, 9)}`, confidence: random.between(0, 10) / 10 } : {}),
    }
  }

  /** Observes, thinks, and proposes on what it saw. */
  async #propose(): Promise<void> {
    const random = this.#random
    const scope = random.pick(this.#environment.scopes)
    const wanted = drawResources(random)
    const seen = await this.#observe(scope, wanted)
    await this.#environment.time.sleep(random.between(0, 300))
    const actions = drawActions(random, wanted, seen)
    const options = this.#options()
    const intent = this.#agent.intent(seen, actions, options)
    const decision = await this.#submit(intent, () => this.#agent.propose(seen, actions, options))
    // Its own write must be in what it reads next.
    if (decision?.committed && random.chance(0.5)) await this.#observe(scope, wanted, decision)
  }

  async #observe(scope: string, wanted: readonly string[], after?: Decision): Promise<Seen> {
    const seen = await this.#agent.observe(scope, wanted, after === undefined ? {} : { after })
    this.#environment.observations.push({ scope, position: seen.position, time: 0, resources: [...seen.resources] })
    if (after !== undefined && Number(seen.position.split(':')[1]) < Number(after.position.split(':')[1]))
      this.#environment.report('observed', `${this.name} asked for ${scope} as of ${after.position} and was shown ${seen.position}`)
    return seen
  }

  async #look(earlier: Intent | null): Promise<void> {
    if (earlier === null) return
    const decision = await this.#agent.decision(earlier.intentId)
    if (decision !== null) this.#environment.givenDecisions.push({ agent: this.name, intentId: earlier.intentId, intent: null, decision })
  }

  /** Tries again with the same id until a decision comes, a few times at most: what stays open is finished at the end. */
  async #submit(intent: Intent, first: () => Promise<Decision> = () => this.#agent.submit(intent)): Promise<Decision | null> {
    const { faults, time } = this.#environment
    this.#asked.push(intent)
    this.#open.add(intent)
    for (let attempt = 0; attempt < attempts && !faults.isHealed; attempt++) {
      const decision = await this.#attempt(intent, attempt === 0 ? first : () => this.#agent.submit(intent))
      if (decision !== null) return decision
      await time.sleep(this.#random.between(50, 800))
    }
    return null
  }

  async #attempt(intent: Intent, ask: () => Promise<Decision>): Promise<Decision | null> {
    try {
      const decision = await ask()
      const { givenDecisions, trace } = this.#environment
      trace.note(`${this.name} is given ${decision.event} ${decision.code} on ${intent.intentId}`)
      givenDecisions.push({ agent: this.name, intentId: intent.intentId, intent, decision })
      this.#open.delete(intent)
      return decision
    } catch (error) {
      this.#judge(error)
      return null
    }
  }

  #judge(error: unknown): void {
    this.#environment.trace.note(`${this.name} meets ${describe(error)}`)
    if (!(error instanceof ClientError) && !isLogError(error)) this.#environment.report('errors', `${this.name} met ${describe(error)}`)
  }
}
