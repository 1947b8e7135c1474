/**
 * The stories as scenarios with golden text. Each is told three times: in both orders in one process on the memory log,
 * and by two real processes that race on SQLite. The text must be the same whoever wins.
 * `UPDATE_GOLDEN=1 npm test -- test/scenarios` writes the golden files anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@signalbox/client'
import { contractSet, type Decision } from '@signalbox/contract'
import { type Actor, act, type Ending, type Story, setUp, stage, stories, tell } from '@signalbox/examples/stories'
import { createMemoryLog } from '@signalbox/log-memory'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { describe, expect, it } from 'vitest'

/** The golden text of a story; with UPDATE_GOLDEN=1, `text` becomes it. */
function golden(name: string, text?: string): string {
  const file = join(import.meta.dirname, 'golden', `${name}.txt`)
  if (process.env.UPDATE_GOLDEN === '1' && text !== undefined) writeFileSync(file, text)
  return readFileSync(file, 'utf8')
}

/** Both look; then `order` says who acts first. */
async function playInProcess(story: Story, order: readonly [number, number]): Promise<Ending> {
  const signalbox = await startSignalbox({
    log: createMemoryLog(),
    contracts: contractSet(story.contracts),
    logger: pino({ level: 'silent' }),
  })
  try {
    const { desk } = signalbox.gateway
    await setUp((agent) => connect({ coordinator: desk, agent }), story)
    const waiting: (() => void)[] = []
    const looked: Promise<void>[] = []
    const playing = story.actors.map((actor: Actor) => {
      let hasLooked: () => void = () => {}
      looked.push(new Promise((resolve) => (hasLooked = resolve)))
      return act(connect({ coordinator: desk, agent: actor.agent }), story, actor, () => {
        hasLooked()
        return new Promise((resolve) => waiting.push(resolve))
      })
    })
    await Promise.all(looked)
    const decisions: { agent: string; decision: Decision }[] = []
    for (const index of order) {
      waiting[index]!()
      for (const decision of await playing[index]!) decisions.push({ agent: story.actors[index]!.agent, decision })
    }
    const [shown] = (await desk.observe(story.scope, [story.shows]))!.resources
    return { decisions, shown: shown! }
  } finally {
    await signalbox.stop()
  }
}

describe.each(stories)('$name', (story) => {
  it('ends as written, whoever comes first', async () => {
    const text = `${tell(story, await playInProcess(story, [0, 1]))}\n`
    expect(text).toBe(golden(story.name, text))
    // Where the second acts on what it saw before the first acted, there is one order only.
    if (story.inTurn !== true) expect(`${tell(story, await playInProcess(story, [1, 0]))}\n`).toBe(text)
  })

  it('ends as written when two processes race', async () => {
    expect(`${tell(story, await stage(story))}\n`).toBe(golden(story.name))
  })
})
