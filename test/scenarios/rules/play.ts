/**
 * Plays a script on a log: the production sequencer decides, and what follows is appended as the process manager would.
 * The records' times are the script's, on every log: nothing else may differ between two plays.
 */
import { createCodec, sha256 } from '@signalbox/codec'
import { canonicalize, defaultLimits, type Event, type Intent, makeUuidV7, tickIntent } from '@signalbox/contract'
import { evolve, PartitionState, resourceKey } from '@signalbox/core'
import { EventReader } from '@signalbox/event-log'
import { followUpsOf } from '@signalbox/follow-ups'
import { type Clock, type Cursor, type Log, systemClock } from '@signalbox/log'
import { startSequencer } from '@signalbox/sequencer'
import { contracts } from './contracts.ts'
import { Renderer } from './render.ts'
import type { Script, World } from './script.ts'

const codec = createCodec({ limits: defaultLimits })
const patienceMs = 30_000
const logger = { info() {}, warn() {}, error() {} } as never

export interface Played {
  readonly text: string
  readonly events: readonly Event[]
  readonly state: PartitionState
}

/** The log must be empty and have one partition. Closes it. */
export async function play(script: Script, real: Log): Promise<Played> {
  const times: number[] = []
  let nowMs = 0
  const clock: Clock = { nowMs: () => nowMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) }
  const log = withTimes(real, times)
  const sequencer = await startSequencer({
    log,
    codec,
    contracts,
    containment: script.containment,
    clock,
    logger,
    software: 'scenario',
    standby: false,
  })
  const state = new PartitionState(0, defaultLimits)
  const reader = await EventReader.open({ log, codec, partition: 0, fromOffset: 0 })
  const all: Event[] = []
  const world: World = {
    ids: new Map(),
    digestOf: (scope, name) => (JSON.parse(state.resource(resourceKey(scope, name))?.data ?? '{}') as { digest?: string }).digest ?? 'none',
  }

  async function append(intent: Intent, timeMs: number): Promise<Event[]> {
    nowMs = Math.max(nowMs, timeMs)
    times.push(timeMs)
    const { offset } = await log.append(0, { key: intent.scope, value: codec.encodeIntent(intent), headers: {} })
    const made: Event[] = []
    const sinceMs = systemClock.nowMs()
    while (state.nextOffset <= offset || reader.position < (await log.offsets('events', 0)).end) {
      for (const { event } of await reader.next(200)) {
        evolve(state, event)
        if (event.type !== 'PartitionOpened') made.push(event)
      }
      if (systemClock.nowMs() - sinceMs > patienceMs)
        throw new Error(`the intent at offset ${offset} was not decided within ${patienceMs} ms`)
    }
    all.push(...made)
    return made
  }

  const renderer = new Renderer()
  const lines: string[] = [`# ${script.title}`]
  try {
    for (const [number, step] of script.steps.entries()) {
      lines.push(step.line)
      if (step.timeMs === null) continue
      const intent = step.make === null ? tick(step.timeMs, number) : step.make(world)
      const queue = [intent]
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        if (next !== intent)
          lines.push(
            `  then ${next.agent}: ${next.actions.map(({ action, input, resource }) => `${action} ${resource} ${input}`).join('; ')} in ${next.scope}`,
          )
        const made = await append(next, step.timeMs)
        lines.push(...renderer.lines(made, world.ids))
        for (const event of made) queue.push(...followUpsOf(event, { reactions: [], partitionCount: 1 }))
      }
    }
  } finally {
    await reader.close()
    await sequencer.stop()
    await log.close()
  }
  // Every byte of every event, so that nothing which is not shown can differ.
  lines.push(`# ${all.length} events, sha256 ${sha256(canonicalize(JSON.parse(JSON.stringify(all))))}`)
  return { text: `${lines.join('\n')}\n`, events: all, state }
}

function tick(timeMs: number, number: number): Intent {
  const bits = new Uint8Array(10)
  new DataView(bits.buffer).setUint32(2, number + 1)
  return tickIntent(0, 1, makeUuidV7(timeMs, bits))
}

/** The log, but for the times of its intents: those are as given, by offset. */
function withTimes(log: Log, times: readonly number[]): Log {
  return new Proxy(log, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (name !== 'cursor') return typeof value === 'function' ? value.bind(target) : value
      return async (from: Parameters<Log['cursor']>[0]): Promise<Cursor> => {
        const cursor = await target.cursor(from)
        return from.topic === 'intents' ? timed(cursor, times) : cursor
      }
    },
  })
}

function timed(cursor: Cursor, times: readonly number[]): Cursor {
  return {
    next: async (bounds) =>
      (await cursor.next(bounds)).map((record) => ({ ...record, timestampMs: times[record.offset] ?? record.timestampMs })),
    get position() {
      return cursor.position
    },
    close: () => cursor.close(),
  }
}
