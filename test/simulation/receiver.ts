/** Who is told of escalations in the simulated world: webhook targets without a network, which fail as receivers do. */
import type { Post } from '@signalbox/escalation'
import type { Random } from '../support/random.ts'
import type { Environment } from './environment.ts'

export interface Received {
  readonly target: string
  readonly id: string
  readonly body: string
}

export class Receiver {
  readonly #environment: Environment
  readonly #random: Random
  /** In the order in which it came. */
  readonly received: Received[] = []

  constructor(environment: Environment) {
    this.#environment = environment
    this.#random = environment.random.stream('receiver')
  }

  /** What a process posts with, as long as it lives. */
  postOf(isOver: () => boolean): Post {
    return async (target, _addresses, headers, body, signal) => {
      const { faults, time, trace } = this.#environment
      const ended = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
      ended.catch(() => {})
      await Promise.race([time.sleep(this.#random.between(0, faults.isHealed ? 10 : 300)), ended])
      const outcome = faults.isHealed
        ? 'taken'
        : this.#random.weighted({ taken: 16, lost: 2, answerLost: 2, unavailable: 2, hangs: 1, refused: 0.5 })
      const id = headers['webhook-id']!
      trace.note(`${target.name} is told ${id}: ${isOver() ? 'nobody is there any more' : outcome}`)
      if (isOver() || outcome === 'hangs') return await ended
      if (outcome === 'lost') throw new Error('the request was lost')
      if (outcome === 'taken' || outcome === 'answerLost') this.received.push({ target: target.name, id, body: `${body}` })
      await Promise.race([time.sleep(this.#random.between(0, faults.isHealed ? 10 : 300)), ended])
      if (outcome === 'answerLost') throw new Error('the answer was lost')
      const status = outcome === 'taken' ? 200 : outcome === 'refused' ? 400 : 503
      return { status, retryAfter: undefined, drained: Promise.resolve() }
    }
  }
}
