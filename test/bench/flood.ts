/** What an agent that floods a hundred times its budget does to the others: the p99 of their decisions, with it and without. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '@signalbox/cli'
import { type Agent, connect } from '@signalbox/client'
import { containmentOf } from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { capacity, contracts, counterName } from '../support/workload.ts'

const others = 16
const everyMs = 10
/** Intents a minute, and so the flood is ten thousand a minute. */
const budget = 100
const floodPerSecond = (100 * budget) / 60
const turns = 4

export interface FloodFigures {
  readonly others: number
  readonly flood_per_s: number
  readonly flood_committed: number
  readonly flood_turned_away: number
  readonly others_p99_ms: number
  readonly others_p99_ms_in_flood: number
  readonly p99_ratio: number
}

export async function benchFlood(seconds: number): Promise<FloodFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
  try {
    const signalbox = await startSignalbox({
      log: await openSqliteLog({ directory: join(directory, 'log') }),
      contracts,
      containment: containmentOf({ budgets: [{ agents: ['flooder'], intents: budget }] }),
      logger: pino({ level: 'silent' }),
    })
    try {
      return await Promise.race([measure(signalbox, seconds), signalbox.failed])
    } finally {
      await signalbox.stop()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measure({ gateway }: RunningSignalbox, seconds: number): Promise<FloodFigures> {
  const join_ = async (name: string): Promise<Agent> => {
    const agent = connect({ coordinator: gateway.desk, agent: name })
    await agent.propose({ scope: name, resources: [] }, [{ resource: counterName, action: 'open', input: { capacity } }])
    return agent
  }
  const agents = await Promise.all(Array.from({ length: others }, (_, index) => join_(`agent-${index}`)))
  const flooder = await join_('flooder')
  const quiet: number[] = []
  const flooded: number[] = []
  const flood = { committed: 0, turnedAway: 0 }
  for (let turn = 0; turn < 2 * turns; turn++) {
    const isFlood = turn % 2 === 1
    say(`others' waiting, turn ${turn + 1} of ${2 * turns}: ${isFlood ? 'in a flood' : 'quiet'}`)
    const durationMs = (seconds * 1_000) / turns
    const stop = isFlood ? startFlood(flooder, flood) : async () => {}
    await Promise.all(agents.map((agent, index) => work(agent, durationMs, index, isFlood ? flooded : quiet)))
    await stop()
  }
  const [calm, storm] = [percentile(quiet, 0.99), percentile(flooded, 0.99)]
  return {
    others,
    flood_per_s: Math.round(floodPerSecond),
    flood_committed: flood.committed,
    flood_turned_away: flood.turnedAway,
    others_p99_ms: calm,
    others_p99_ms_in_flood: storm,
    p99_ratio: Math.round((storm / calm) * 1_000) / 1_000,
  }
}

const add = [{ resource: counterName, action: 'add', input: { by: 1 } }]

/** Asks at its pace, whatever it waited: a slow answer must not spare the ones after it. */
async function work(agent: Agent, durationMs: number, index: number, waits: number[]): Promise<void> {
  const startMs = performance.now() + (index * everyMs) / others
  const asked: Promise<void>[] = []
  for (let number = 0; number * everyMs < durationMs; number++) {
    const dueMs = startMs + number * everyMs
    const earlyMs = dueMs - performance.now()
    if (earlyMs > 0) await sleep(earlyMs)
    const sinceMs = performance.now()
    asked.push(
      agent.propose({ scope: agent.name, resources: [] }, add).then(({ code, committed }) => {
        if (!committed) throw new Error(`the benchmark expects commits, and got ${code}`)
        waits.push(performance.now() - sinceMs)
      }),
    )
  }
  await Promise.all(asked)
}

function startFlood(flooder: Agent, flood: { committed: number; turnedAway: number }): () => Promise<void> {
  let isOver = false
  const asked: Promise<void>[] = []
  const running = (async () => {
    for (let sent = 0, startMs = performance.now(); !isOver; await sleep(5)) {
      for (const due = ((performance.now() - startMs) / 1_000) * floodPerSecond; sent < due; sent++) {
        asked.push(
          flooder.propose({ scope: flooder.name, resources: [] }, add).then(({ code, committed }) => {
            if (committed) flood.committed++
            else if (code === 'BUDGET_EXCEEDED') flood.turnedAway++
            else throw new Error(`the flood got ${code}`)
          }),
        )
      }
    }
  })()
  return async () => {
    isOver = true
    await running
    await Promise.all(asked)
  }
}

function percentile(values: number[], part: number): number {
  values.sort((a, b) => a - b)
  return Math.round((values[Math.min(values.length - 1, Math.floor(part * values.length))] ?? 0) * 1_000) / 1_000
}
