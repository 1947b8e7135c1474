/** One actor as a process of its own: looks, says that it is ready, and acts when it is told to go. */
import { connect } from '@signalbox/client'
import { act } from './act.ts'
import type { Actor } from './story.ts'

export interface Part {
  readonly url: string
  readonly scope: string
  readonly actor: Actor
}

const part = JSON.parse(process.argv[2]!) as Part
const agent = connect({ url: part.url, agent: part.actor.agent })
try {
  const go = new Promise<void>((resolve) => process.once('message', () => resolve()))
  const decisions = await act(agent, part, part.actor, async () => {
    process.send!({ ready: true })
    await go
  })
  process.send!({ decisions })
} finally {
  await agent.close()
  process.disconnect()
}
