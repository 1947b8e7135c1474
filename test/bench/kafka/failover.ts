/** From `kill -9` of a partition's owner to the next decision, with a standby that has followed. */
import { createTopics } from '@signalbox/log-kafka'
import { Engine } from './engine.ts'
import { Load } from './load.ts'
import type { EngineSettings } from './protocol.ts'

const sessionTimeoutMs = 6_000

export interface FailoverFigures {
  readonly failover_ms: number
  readonly session_timeout_ms: number
  /** Events that the standby had not followed yet when it took over. */
  readonly standby_behind: number
}

export async function measureFailover(common: Omit<EngineSettings, 'kind' | 'sessionTimeoutMs'>): Promise<FailoverFigures> {
  const { brokers, partitions, topicPrefix } = common
  await createTopics({ brokers, topicPrefix, partitions })
  const first = new Engine({ ...common, kind: 'standby', sessionTimeoutMs })
  await first.until('to own every partition', ({ active }) => active.length === partitions)
  const second = new Engine({ ...common, kind: 'standby', sessionTimeoutMs })
  const load = await Load.open(brokers, topicPrefix)
  try {
    const owner = async () => {
      for (;;) {
        const found = [first, second].find(({ active }) => active.includes(0))
        if (found !== undefined) return found
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    await load.openCounters()
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 64 }, (_, client) => load.add(client)))
    const dying = await owner()
    const heir = dying === first ? second : first
    const { end } = await load.log.offsets('events', 0)
    await heir.until(
      'to follow',
      ({ active, followed }) => active.length + followed.size === partitions && (followed.get(0) ?? 0) >= end - 1,
    )
    const behind = end - 1 - (heir.followed.get(0) ?? 0)
    const killedMs = performance.now()
    await dying.kill()
    await load.add(0)
    return {
      failover_ms: Math.round(performance.now() - killedMs),
      session_timeout_ms: sessionTimeoutMs,
      standby_behind: Math.max(0, behind),
    }
  } finally {
    await load.close()
    await Promise.all([first.stop(), second.stop()])
  }
}
