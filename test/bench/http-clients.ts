/** The worker thread of `signalbox bench embedded` in which the HTTP clients run. Posts what they saw. */
import { parentPort, workerData } from 'node:worker_threads'
import { connect } from '@signalbox/client'
import { counterName } from '../support/workload.ts'
import { runClients } from './clients.ts'

interface HttpLoad {
  readonly url: string
  readonly clients: number
  readonly warmUpMs: number
  readonly durationMs: number
}

const { clients, durationMs, url, warmUpMs } = workerData as HttpLoad
const agents = Array.from({ length: clients }, (_, client) => connect({ url, agent: `agent-${client}` }))

async function add(client: number): Promise<void> {
  const { code, committed } = await agents[client]!.propose({ scope: `scope-${client}`, resources: [] }, [
    { resource: counterName, action: 'add', input: { by: 1 } },
  ])
  if (!committed) throw new Error(`the benchmark expects commits, and got ${code}`)
}

await runClients(clients, warmUpMs, add)
parentPort!.postMessage(await runClients(clients, durationMs, add))
await Promise.all(agents.map((agent) => agent.close()))
