/** One agent as a process of its own, connected over HTTP. What it is to do comes as orders, one at a time. */

import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, newIntentId, type Seen } from '@signalbox/client'
import type { Decision } from '@signalbox/contract'
import { replaceFile } from '@signalbox/files'
import type { AgentPart, Answer, Brink, FromAgent, Order, ToAgent } from './orders.ts'
import { book } from './stub.ts'

const part = JSON.parse(process.argv[2]!) as AgentPart
const agent = connect({ url: part.url, agent: part.agent })
const journal = join(part.directory, `${part.agent}.json`)
let inMind: Seen | null = null

const say = (message: FromAgent) => process.send!(message)

/** Intents that are under way, as of before a crash: noted before they are asked, crossed off when all of it is done. */
function noted(): readonly string[] {
  return existsSync(journal) ? (JSON.parse(readFileSync(journal, 'utf8')) as string[]) : []
}

function note(intentIds: readonly string[]): void {
  replaceFile(journal, JSON.stringify(intentIds))
}

/** Stands still for good: the process is killed here. */
async function standAt(number: number, brink: Brink): Promise<never> {
  say({ number, answer: { stands: brink } })
  return await new Promise<never>(() => {})
}

/** Does in the world what a commit asks for, under the effect's id. */
async function act(number: number, decision: Decision, brink: Brink | undefined, only: (isIdempotent: boolean) => boolean): Promise<void> {
  const effects = decision.effects.filter(({ idempotent }) => only(idempotent))
  await agent.perform({ ...decision, effects }, async ({ effectId, resource }) => {
    if (brink === 'before effect') await standAt(number, brink)
    const amountCents = (decision.changes.find((change) => change.resource === resource)?.data.amountCents as number | undefined) ?? null
    const keyOf = () => (part.plant === 'agent-ignores-effect-id' ? randomUUID() : effectId)
    const url = resource.startsWith('mail/') ? part.mailUrl : part.bankUrl
    const entry = await book(url, { agent: part.agent, scope: decision.scope, about: resource, amountCents }, keyOf)
    if (brink === 'after effect') await standAt(number, brink)
    return `booked as ${entry.number}`
  })
}

/** Nothing is asked about nothing: what is created was not there to see. */
async function look({
  scope,
  see,
}: {
  readonly scope: string
  readonly see: readonly string[]
}): Promise<Pick<Seen, 'scope' | 'resources'>> {
  return see.length === 0 ? { scope, resources: [] } : await agent.observe(scope, see)
}

async function follow(number: number, order: Order): Promise<Answer> {
  switch (order.do) {
    case 'look':
      inMind = await agent.observe(order.scope, order.see)
      return { decision: null }
    case 'propose': {
      const seen = order.fromMemory === true && inMind !== null ? inMind : await look(order)
      const intentId = newIntentId()
      note([...noted(), intentId])
      const decision = await agent.propose(seen, order.actions, { intentId })
      if (decision.committed) await act(number, decision, order.brink, () => true)
      note(noted().filter((each) => each !== intentId))
      return { decision }
    }
    case 'await': {
      const decision = await agent.decision(order.intentId, { waitMs: 10_000 })
      if (decision?.committed === true) await act(number, decision, undefined, () => true)
      return { decision }
    }
    case 'resume': {
      let last: Decision | null = null
      for (const intentId of noted()) {
        last = await agent.decision(intentId)
        if (last?.committed === true) await act(number, last, undefined, (isIdempotent) => isIdempotent)
      }
      note([])
      return { decision: last }
    }
    case 'hand over':
      // Loaded only by who hands over: the tokenizer and the schemas take their time.
      return await (await import('./hand-over.ts')).handOver(agent, part.directory, order)
    case 'take over':
      return await (await import('./hand-over.ts')).takeOver(agent, part.directory, order)
    case 'bypass': {
      const url = part.agent === 'email' ? part.mailUrl : part.bankUrl
      await book(url, { agent: part.agent, scope: order.scope, about: order.about, amountCents: order.amountCents }, randomUUID)
      return { decision: null }
    }
  }
}

process.on('message', ({ number, order }: ToAgent) => {
  follow(number, order).then(
    (answer) => say({ number, answer }),
    (error: unknown) => say({ number, answer: { failed: (error as Error).stack ?? `${error}` } }),
  )
})
process.once('disconnect', () => void agent.close())
say({ ready: true })
