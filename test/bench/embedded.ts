/**
 * `signalbox bench embedded`: decisions a second from 64 clients that wait for each, of a whole Signalbox on SQLite in one
 * process, through the client in that process and over HTTP, beside the ceiling that node:sqlite sets on the same disk.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { say } from '@signalbox/cli'
import { type Agent, connect } from '@signalbox/client'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { capacity, contracts, counterName } from '../support/workload.ts'
import { Ceiling } from './ceiling.ts'
import { figuresOf, type Latencies, runClients } from './clients.ts'

const clients = 64
// Ceiling and Signalbox take turns: a disk that others use too is not as fast from one second to the next.
const turns = 3
const warmUpShare = 1 / 3
const httpStartMs = 30_000

export async function benchEmbedded(seconds: number): Promise<object> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
  try {
    const ceiling = new Ceiling(directory)
    const signalbox = await startSignalbox({
      log: await openSqliteLog({ directory: join(directory, 'log') }),
      contracts,
      logger: pino({ level: 'silent' }),
    })
    try {
      return await Promise.race([measure(signalbox, ceiling, seconds), signalbox.failed])
    } finally {
      await signalbox.stop()
      ceiling.close()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measure(signalbox: RunningSignalbox, ceiling: Ceiling, seconds: number): Promise<object> {
  const agents = await openCounters(signalbox)
  const runAgents = (durationMs: number) => runClients(clients, durationMs, (client) => add(agents[client]!, client))
  const ceilings: Latencies[] = []
  const inProcess: Latencies[] = []
  say('warm-up')
  await ceiling.run(clients, warmUpShare * seconds * 1_000)
  await runAgents(warmUpShare * seconds * 1_000)
  for (let turn = 1; turn <= turns; turn++) {
    say(`turn ${turn} of ${turns}: node:sqlite, then ${clients} clients in process`)
    ceilings.push(await ceiling.run(clients, (seconds * 1_000) / turns))
    inProcess.push(await runAgents((seconds * 1_000) / turns))
  }
  say(`${clients} clients over HTTP`)
  const overHttp = figuresOf([await runHttpClients(signalbox, seconds)])
  const { perSecond: ceilingPerSecond } = figuresOf(ceilings)
  const own = figuresOf(inProcess)
  return {
    bench: 'embedded',
    seconds,
    clients,
    decisions_per_s: own.perSecond,
    p50_ms: own.p50Ms,
    p99_ms: own.p99Ms,
    ceiling_per_s: ceilingPerSecond,
    ratio_to_ceiling: Math.round((own.perSecond / ceilingPerSecond) * 1_000) / 1_000,
    http_decisions_per_s: overHttp.perSecond,
    http_p50_ms: overHttp.p50Ms,
    http_p99_ms: overHttp.p99Ms,
  }
}

/** One counter and one agent for each client. */
async function openCounters({ gateway }: RunningSignalbox): Promise<readonly Agent[]> {
  return await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const agent = connect({ coordinator: gateway.desk, agent: `agent-${client}` })
      const action = { resource: counterName, action: 'open', input: { capacity } }
      const { code, committed } = await agent.propose({ scope: `scope-${client}`, resources: [] }, [action])
      if (!committed) throw new Error(`the benchmark could not open its counter: ${code}`)
      return agent
    }),
  )
}

async function add(agent: Agent, client: number): Promise<void> {
  const { code, committed } = await agent.propose({ scope: `scope-${client}`, resources: [] }, [
    { resource: counterName, action: 'add', input: { by: 1 } },
  ])
  if (!committed) throw new Error(`the benchmark expects commits, and got ${code}`)
}

/** The clients run in a thread of their own, as clients elsewhere would. */
async function runHttpClients({ gateway }: RunningSignalbox, seconds: number): Promise<Latencies> {
  const url = await gateway.server.listen({ host: '127.0.0.1', port: 0 })
  const workerData = { url, clients, warmUpMs: warmUpShare * seconds * 1_000, durationMs: seconds * 1_000 }
  const worker = new Worker(new URL('./http-clients.ts', import.meta.url), { workerData })
  try {
    return await new Promise((resolve, reject) => {
      const timeout = setTimeout(
        () => reject(new Error('the HTTP clients of the benchmark did not end in time; is the machine very busy?')),
        httpStartMs + 2 * seconds * 1_000,
      )
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => {
        clearTimeout(timeout)
        reject(new Error('the HTTP clients of the benchmark ended without a result'))
      })
    })
  } finally {
    await worker.terminate()
  }
}
