/** The agents of the simulated world: production clients, each with a script drawn from the seed. */
import { type Agent, ClientError, connect, type ProposedAction, type Seen } from '@signalbox/client'
import { type Decision, generationResource, type Intent, makeUuidV7 } from '@signalbox/contract'
import { isLogError } from '@signalbox/log'
import type { Random } from '../support/random.ts'
import { drawCoordination, drawMeddling, drawOversight } from './coordinations.ts'
import type { Environment, GivenDecision } from './environment.ts'
import { drawAnswer, openEscalations } from './inbox.ts'
import { drawActions, drawResources, openingActions, reuse, spoil } from './intents.ts'
import { Connection } from './network.ts'
import { describe } from './process.ts'
import type { GatewayProcess } from './services.ts'
import { MachineClock } from './virtual-clock.ts'
import { drawHandoffAction, drawTaskAction, drawTransfer, handoffs, tasks } from './work.ts'

const attempts = 5

export class SimulatedAgent {
  readonly name: string
  readonly clock: MachineClock
  readonly #environment: Environment
  readonly #random: Random
  readonly #agent: Agent
  readonly #gateways: readonly GatewayProcess[]
  /** Everything it ever asked for. */
  readonly #asked: Intent[] = []
  /** Asked for, and no decision given. */
  readonly #open = new Set<Intent>()
  /** Came when the log was closed; to be sent again, with the same ids. */
  readonly #turnedAway = new Set<Intent>()
  #isDone = false
  /** The lease that it took last. */
  #lease: string | null = null

  constructor(environment: Environment, gateways: readonly GatewayProcess[], name: string, offsetMs: number) {
    this.name = name
    this.#gateways = gateways
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
      if (operation === Math.floor(operations / 2)) await this.#untilMoved()
      await time.sleep(this.#random.between(0, 400))
      try {
        await this.#operate()
      } catch (error) {
        this.#judge(error)
      }
    }
    this.#isDone = true
  }

  /** Where the log is moved, half of what everybody does comes after that. */
  async #untilMoved(): Promise<void> {
    const { eras, faults, plan, time } = this.#environment
    while (plan.moves && eras.length === 1 && !faults.isHealed) await time.sleep(this.#random.between(50, 300))
  }

  /** Asks again, with the same ids, for everything that has no decision yet, or came to a closed log. */
  async finish(): Promise<void> {
    for (const waiting of [this.#open, this.#turnedAway]) await this.#finish(waiting)
  }

  async #finish(waiting: ReadonlySet<Intent>): Promise<void> {
    for (const intent of waiting) {
      while (waiting.has(intent)) {
        await this.#environment.time.sleep(this.#random.between(20, 300))
        await this.#attempt(intent, () => this.#agent.submit(intent))
      }
    }
  }

  async #operate(): Promise<void> {
    const random = this.#random
    const { plan, scopes, trace } = this.#environment
    const earlier = this.#asked.length === 0 ? null : random.pick(this.#asked)
    const human = this.name.startsWith('human:') ? 1 : 0
    const known = earlier === null ? 0 : 1
    const { again, answer, meddle, oversee, reused, ...others } = plan.weights
    const kind = random.weighted({
      ...others,
      again: again * known,
      reused: reused * known,
      answer: answer * human,
      oversee: oversee * human,
      meddle: plan.closes ? meddle : 0,
    })
    const scope = random.pick(scopes)
    switch (kind) {
      case 'propose':
        return await this.#propose(scope)
      case 'coordinate':
        return await this.#coordinate(earlier, scope)
      case 'look':
        return await this.#look(earlier)
      case 'again':
        return void (await this.#submit(this.#turnedAway.size > 0 ? random.pick([...this.#turnedAway]) : earlier!))
      case 'reused':
        await this.#submit(reuse(earlier!, random))
        // What it was used for first is asked once more, now and then.
        return random.chance(0.3) ? void (await this.#submit(earlier!)) : undefined
      case 'task':
        return await this.#work(scope, drawTaskAction, random.pick(['task/1', ...tasks]))
      case 'handoff':
        return await this.#work(scope, drawHandoffAction, random.pick(['handoff/1', ...handoffs]))
      case 'transfer':
        return void (await this.#ask(scope, [drawTransfer(random, scopes, this.name)]))
      case 'answer':
        return await this.#answer()
      case 'oversee': {
        const drawn = drawOversight(random, this.clock.nowMs(), plan.closes)
        return void (await this.#ask(`~${drawn.resource}`, [drawn]))
      }
      case 'meddle':
        return await this.#meddle(scope)
      case 'flood':
        return await this.#flood(scope)
      case 'press':
        return await this.#press(scope)
    }
    const actions = drawActions(random, drawResources(random, plan.resources), null)
    if (kind === 'dryRun') {
      const explanation = await this.#agent.dryRun({ scope, resources: [] }, actions)
      trace.note(`${this.name} would get ${explanation.outcome} ${explanation.code}`)
      return
    }
    const intent = this.#agent.intent({ scope, resources: [] }, actions, this.#options())
    await this.#submit(kind === 'spoiled' ? spoil(intent, random, this.clock.nowMs()) : intent)
  }

  /** Plainly, outside of any script. */
  async say(scope: string, actions: readonly ProposedAction[]): Promise<void> {
    await this.#submit(this.#agent.intent({ scope, resources: [] }, actions))
  }

  async #ask(scope: string, actions: readonly ProposedAction[]): Promise<Decision | null> {
    return await this.#submit(this.#agent.intent({ scope, resources: [] }, actions, this.#options()))
  }

  /** Leases, withdrawals and reports of effects: of its own, mostly; a human's of anybody's. */
  async #coordinate(earlier: Intent | null, scope: string): Promise<void> {
    const { givenDecisions, plan } = this.#environment
    const random = this.#random
    const isAnybodys = this.name.startsWith('human:') || random.chance(0.3)
    const given = givenDecisions.filter(({ agent }) => isAnybodys || agent === this.name)
    const pick = (decisions: readonly GivenDecision[]) => (decisions.length === 0 ? null : random.pick(decisions).decision)
    const begun = pick(given.filter(({ decision }) => decision.effects.length > 0))
    const waiting = pick(given.filter(({ decision }) => decision.pending !== null))
    const any = random.chance(0.1) ? earlier : null
    const known = {
      effect: begun?.effects[0]?.effectId ?? (any === null ? null : `${any.intentId}-0`),
      waiting: waiting?.intentId ?? any?.intentId ?? null,
    }
    const drawn = drawCoordination(random, known, plan.resources)
    const about = drawn.resource.startsWith('effect/') ? begun : drawn.resource.startsWith('intent/') ? waiting : null
    const where = about?.scope ?? (random.chance(0.2) ? earlier?.scope : undefined) ?? scope
    const intent = this.#agent.intent({ scope: where, resources: [] }, [drawn], this.#options())
    const decision = await this.#submit(intent)
    if (decision?.committed && drawn.action === 'take') this.#lease = intent.intentId
  }

  /** Looks at tasks and handoffs, and does what fits. */
  async #work(scope: string, draw: typeof drawTaskAction, resource: string): Promise<void> {
    const seen = await this.#observe(scope, [...tasks, ...handoffs, 'stock/rooms'])
    const toMe = handoffs.find((handoff) => {
      const { data, state } = seen.get(handoff)
      return state === 'offered' && (data as { readonly to?: string }).to === this.name
    })
    const drawn =
      toMe === undefined || this.#random.chance(0.2)
        ? draw(this.#random, resource, seen, this.name)
        : drawHandoffAction(this.#random, toMe, seen, this.name)
    await this.#ask(scope, [drawn])
  }

  /** A verdict on what a human saw, or on what is nobody's to answer. */
  async #answer(): Promise<void> {
    const random = this.#random
    const { givenDecisions, scopes, store, time } = this.#environment
    const open = openEscalations(this.#gateways, store.partitionCount)
    const other = {
      scope: random.pick(scopes),
      resource: `escalation/${givenDecisions.length === 0 ? 'none' : random.pick(givenDecisions).intentId}`,
    }
    const { resource, scope } = open.length === 0 || random.chance(0.1) ? other : random.pick(open)
    const seen = await this.#observe(scope, [resource])
    await time.sleep(random.between(0, 1_000))
    const drawn = drawAnswer(random, resource, seen.get(resource).data ?? null)
    await this.#submit(this.#agent.intent({ scope, resources: [] }, [drawn]))
    if (random.chance(0.1)) await this.#submit(this.#agent.intent({ scope, resources: [] }, [drawn]))
  }

  /** Takes a little of what is left, or waits for more than there is. */
  async #press(scope: string): Promise<void> {
    const isLittle = this.#random.chance(0.7)
    const actions = [{ resource: 'stock/rooms', action: 'take', input: { count: isLittle ? 1 : 20 } }]
    const options = { ...this.#options(), onConflict: isLittle ? ('reject' as const) : ('wait' as const) }
    await this.#submit(this.#agent.intent({ scope, resources: [] }, actions, options))
  }

  /** Closes the log of a partition or opens it again: most often in the right place, and not always a human. */
  async #meddle(scope: string): Promise<void> {
    const random = this.#random
    const drawn = drawMeddling(random, scope, this.#environment.store.partitionCount)
    if (random.chance(0.5)) return void (await this.#ask(drawn.scope, drawn.actions))
    const seen = await this.#observe(drawn.scope, [generationResource])
    await this.#submit(this.#agent.intent(seen, drawn.actions, this.#options()))
  }

  /** Asks the same again and again, whatever it is told. */
  async #flood(scope: string): Promise<void> {
    const actions = [{ resource: this.#random.pick(['stock/rooms', 'ghost/1']), action: 'vanish' }]
    for (let count = 0; count < 4; count++) await this.#ask(scope, actions)
  }

  #options() {
    const random = this.#random
    const { givenDecisions, plan } = this.#environment
    const cause = givenDecisions.length > 0 && random.chance(plan.caused) ? random.pick(givenDecisions).intentId : null
    return {
      intentId: makeUuidV7(this.clock.nowMs(), random.bytes(10)),
      ...(random.chance(0.1) ? { deadline: this.clock.nowMs() + random.between(-500, 2_000) } : {}),
      ...(random.chance(plan.waits) ? { onConflict: random.chance(0.85) ? ('wait' as const) : ('escalate' as const) } : {}),
      ...(random.chance(0.35) ? { priority: random.between(0, 7) } : {}),
      ...(this.#lease !== null && random.chance(0.4) ? { reservation: this.#lease } : {}),
      ...(random.chance(0.2) ? { confidence: random.between(0, 10) / 10 } : {}),
      ...(cause !== null ? { causationId: cause } : {}),
      ...(cause !== null && random.chance(0.3) ? { causationDepth: random.between(0, 3) } : {}),
      ...(cause !== null || random.chance(0.2) ? { correlationId: `work-${random.between(1, 4)}` } : {}),
    }
  }

  /** Observes, thinks, and proposes on what it saw. */
  async #propose(scope: string): Promise<void> {
    const random = this.#random
    const wanted = drawResources(random, this.#environment.plan.resources)
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
    const { era } = this.#environment
    const seen = await this.#agent.observe(scope, wanted, after === undefined ? {} : { after })
    if (after !== undefined && this.#environment.era === era && Number(seen.position.split(':')[1]) < Number(after.position.split(':')[1]))
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
      const isClosed = decision.code === 'GENERATION_CLOSED' && !intent.actions.some(({ resource }) => resource === generationResource)
      if (isClosed) this.#turnedAway.add(intent)
      else this.#turnedAway.delete(intent)
      return decision
    } catch (error) {
      this.#judge(error)
      // What was seen in an earlier log is not in this one: its agent would propose anew.
      if (error instanceof ClientError && error.problem === 'NOT_IN_THIS_LOG')
        for (const waiting of [this.#open, this.#turnedAway]) waiting.delete(intent)
      return null
    }
  }

  #judge(error: unknown): void {
    this.#environment.trace.note(`${this.name} meets ${describe(error)}`)
    if (!(error instanceof ClientError) && !isLogError(error)) this.#environment.report('errors', `${this.name} met ${describe(error)}`)
  }
}
