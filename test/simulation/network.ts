/** The way from an agent to a gateway: requests and answers get lost, are doubled, are slow, and gateways go away. */

import { ClientError, type Coordinator, type SubmitOptions } from '@signalbox/client'
import type { Decision, ExplanationJson, Intent, Invalidation, Observation, Read } from '@signalbox/contract'
import { RequestRefused } from '@signalbox/http'
import { isLogError } from '@signalbox/log'
import type { Random } from '../support/random.ts'
import type { Environment } from './environment.ts'
import { describe } from './process.ts'
import type { GatewayProcess } from './services.ts'

const graceMs = 3_000

export class Connection implements Coordinator {
  readonly #environment: Environment
  readonly #gateways: readonly GatewayProcess[]
  readonly #random: Random
  readonly #name: string
  #at: number

  constructor(environment: Environment, gateways: readonly GatewayProcess[], name: string) {
    this.#environment = environment
    this.#gateways = gateways
    this.#name = name
    this.#random = environment.random.stream(`network of ${name}`)
    this.#at = this.#random.between(0, gateways.length - 1)
  }

  submit(intent: Intent, options: SubmitOptions): Promise<Decision | null> {
    return this.#ask(`submit ${intent.intentId}`, options.waitMs, (desk) => desk.submit(intent, options))
  }

  decision(intentId: string, options: { readonly waitMs?: number } = {}): Promise<Decision | null> {
    return this.#ask(`decision ${intentId}`, options.waitMs ?? graceMs, (desk) => desk.decision(intentId, options))
  }

  dryRun(intent: Intent): Promise<ExplanationJson> {
    return this.#ask(`dry run ${intent.intentId}`, graceMs, (desk) => desk.dryRun(intent))
  }

  observe(
    scope: string,
    resources: readonly string[],
    options?: { readonly atLeast?: number; readonly waitMs?: number },
  ): Promise<Observation | null> {
    return this.#ask(`observe ${scope}`, options?.waitMs ?? graceMs, async (desk) => {
      // Noted where it was seen, of the log that it was seen in.
      const { observations } = this.#environment.era
      const seen = await desk.observe(scope, resources, options)
      if (seen !== null) observations.push(seen)
      return seen
    })
  }

  /** Of the gateway that is asked now, without faults: what it tells is only a hint, and no promise rests on it. */
  watch(scope: string, reads: readonly Read[], options: { readonly signal: AbortSignal }): AsyncIterable<Invalidation> {
    const life = this.#gateways[this.#at]!.life
    if (life === null || life.service === null || life.isStopping) throw this.#unreachable('no gateway answers')
    return life.service.desk.watch(scope, reads, options)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #ask<Answer>(what: string, waitMs: number, request: (desk: Coordinator) => Promise<Answer>): Promise<Answer> {
    const { faults, time, trace } = this.#environment
    await time.sleep(this.#random.between(0, 8))
    const life = this.#gateways[this.#at]!.life
    if (life === null || life.service === null || life.isStopping) throw this.#unreachable('no gateway answers')
    const fault = faults.network()
    trace.note(`${this.#name} asks ${life.name}: ${what}${fault === null ? '' : `, ${fault}`}`)
    const timedOut = time.sleep(waitMs + graceMs).then(() => {
      throw this.#unreachable('no answer in time')
    })
    timedOut.catch(() => {})
    if (fault === 'request lost') return await timedOut
    const { desk } = life.service
    if (fault === 'request doubled') request(desk).catch((error: unknown) => this.#judge(what, error))
    const ended = life.ended.then(() => {
      throw this.#unreachable('the gateway went away')
    })
    ended.catch(() => {})
    let answer: Answer
    try {
      answer = await Promise.race([request(desk), timedOut, ended])
    } catch (error) {
      this.#judge(what, error)
      throw asToldOverHttp(error)
    }
    await time.sleep(this.#random.between(0, 8))
    if (fault === 'answer lost') throw this.#unreachable('the answer was lost')
    return answer
  }

  #unreachable(why: string): ClientError {
    this.#at = (this.#at + 1) % this.#gateways.length
    return new ClientError('UNREACHABLE', why)
  }

  #judge(what: string, error: unknown): void {
    // A gateway that is being stopped answers CLOSED; the other codes are those of a failing log.
    if (
      error instanceof ClientError ||
      error instanceof RequestRefused ||
      isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL', 'CLOSED')
    )
      return
    this.#environment.report('errors', `${this.#name} asked ${what} and got ${describe(error)}`)
  }
}

function asToldOverHttp(error: unknown): unknown {
  return error instanceof RequestRefused ? new ClientError('REFUSED', error.message, { problem: error.problem.code }) : error
}
