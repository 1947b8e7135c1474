import type { Batch } from '@signalbox/log'
import { createMemoryLog, type FaultFunction } from '@signalbox/log-memory'
import { describe, expect, it } from 'vitest'
import { withEarlyOverlay } from './planted.ts'

const assignment = { partition: 0, generation: 1, signal: new AbortController().signal }

function batch(name: string): Batch {
  return { events: [{ key: 'scope', value: Buffer.from(name), headers: {} }], deadLetters: [] }
}

/** A log whose appends fail where `failing` says so, counted from 1, and that takes a moment to open. */
function brokenLog(failing: readonly number[]) {
  let appends = 0
  const counts = { openings: 0 }
  const fault: FaultFunction = ({ operation }) => {
    if (operation === 'open') {
      counts.openings++
      return { delayBeforeMs: 20 }
    }
    return operation === 'writer.append' && failing.includes(++appends) ? { outcome: 'fail-before' } : undefined
  }
  return { log: createMemoryLog({ fault }), counts }
}

describe('early-overlay', () => {
  it('takes batches that fail together for durable, opens anew once, and writes behind them what comes meanwhile', async () => {
    const { counts, log } = brokenLog([2])
    const writer = await withEarlyOverlay(log).open(assignment)
    const { lastOffset } = await writer.append(batch('opening'))
    const failed = [writer.append(batch('lost')), writer.append(batch('lost too'))]
    await new Promise((resolve) => setTimeout(resolve, 5))
    const meanwhile = writer.append(batch('meanwhile'))
    expect(await Promise.all(failed)).toEqual([
      { firstOffset: lastOffset, lastOffset },
      { firstOffset: lastOffset, lastOffset },
    ])
    await meanwhile
    await writer.append(batch('after'))
    const cursor = await log.cursor({ topic: 'events', partition: 0, fromOffset: 0 })
    const records = await cursor.next({ maxRecords: 10, maxBytes: 1_000, waitMs: 0 })
    expect(records.map(({ value }) => `${Buffer.from(value!)}`)).toEqual(['opening', 'meanwhile', 'after'])
    expect(counts.openings).toBe(2)
    await log.close()
  })

  it('lets an opening fail as it would', async () => {
    const { log } = brokenLog([1])
    const writer = await withEarlyOverlay(log).open(assignment)
    await expect(writer.append(batch('opening'))).rejects.toMatchObject({ code: 'TRANSIENT' })
    await log.close()
  })
})
