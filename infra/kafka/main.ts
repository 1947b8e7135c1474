// One Kafka broker without Docker, for a person at a terminal.
//
//   node infra/toolchain/run.mjs infra/kafka/main.ts up [--port N]   runs until Ctrl-C; prints KAFKA_BROKERS=HOST:PORT
//   node infra/toolchain/run.mjs infra/kafka/main.ts status          exit code 0 when it runs, 4 when it does not
//   node infra/toolchain/run.mjs infra/kafka/main.ts down            stops the one that `up` started
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBroker } from './broker.ts'
import { cacheFolder } from './cache.ts'
import { BrokerError } from './errors.ts'
import { accepts } from './ports.ts'

const USAGE = 'usage: node infra/toolchain/run.mjs infra/kafka/main.ts up [--port N] | status | down\n'
const DOWN_TIMEOUT_MS = 30_000
const EXIT = { ok: 0, bug: 1, usage: 2, unreachable: 4 } as const

interface State {
  readonly pid: number
  readonly brokers: string
}

const stateFile = () => join(cacheFolder(), 'kafka-up.json')

function readState(): State | null {
  if (!existsSync(stateFile())) return null
  const state = JSON.parse(readFileSync(stateFile(), 'utf8')) as State
  return isAlive(state.pid) ? state : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function up(port: number | undefined): Promise<number> {
  const other = readState()
  if (other !== null) {
    process.stderr.write(`A broker is up already at ${other.brokers} (process ${other.pid}). Use it, or run \`down\` first.\n`)
    return EXIT.usage
  }
  const broker = await startBroker(port === undefined ? {} : { port })
  const asked = new Promise<null>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(null))
  })
  mkdirSync(cacheFolder(), { recursive: true })
  writeFileSync(stateFile(), JSON.stringify({ pid: process.pid, brokers: broker.brokers } satisfies State))
  process.stdout.write(`KAFKA_BROKERS=${broker.brokers}\n`)
  process.stderr.write('The broker runs until Ctrl-C; its data is deleted then.\n')
  // A pending promise alone does not keep Node running.
  const keepAlive = setInterval(() => {}, 60_000)
  const reason = await Promise.race([asked, broker.ended])
  clearInterval(keepAlive)
  rmSync(stateFile(), { force: true })
  await broker.stop()
  if (reason === null) return EXIT.ok
  process.stderr.write(`${reason} Run \`up\` again.\n`)
  return EXIT.unreachable
}

async function status(): Promise<number> {
  const state = readState()
  if (state === null) {
    process.stderr.write('No broker is up. Start one with `up`.\n')
    return EXIT.unreachable
  }
  const [host, port] = state.brokers.split(':')
  if (!(await accepts(host!, Number(port), 2_000))) {
    process.stderr.write(`The broker at ${state.brokers} (process ${state.pid}) does not answer. Run \`down\`, then \`up\`.\n`)
    return EXIT.unreachable
  }
  process.stdout.write(`KAFKA_BROKERS=${state.brokers}\n`)
  return EXIT.ok
}

async function down(): Promise<number> {
  const state = readState()
  if (state === null) {
    process.stderr.write('No broker is up; nothing to stop.\n')
    return EXIT.ok
  }
  process.kill(state.pid, 'SIGTERM')
  const deadline = Date.now() + DOWN_TIMEOUT_MS
  while (isAlive(state.pid)) {
    if (Date.now() > deadline) {
      process.stderr.write(`Process ${state.pid} did not stop within ${DOWN_TIMEOUT_MS / 1000} s. End it by hand: kill -9 ${state.pid}\n`)
      return EXIT.unreachable
    }
    await sleep(50)
  }
  return EXIT.ok
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { port: { type: 'string' } } })
  const port = values.port === undefined ? undefined : Number(values.port)
  if (positionals.length === 1 && (port === undefined || (Number.isInteger(port) && port > 0 && port < 65_536))) {
    if (positionals[0] === 'up') return up(port)
    if (positionals[0] === 'status') return status()
    if (positionals[0] === 'down') return down()
  }
  process.stderr.write(USAGE)
  return EXIT.usage
}

try {
  process.exitCode = await main()
} catch (error) {
  const usage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') ?? false
  process.stderr.write(usage ? USAGE : `${error instanceof BrokerError ? error.message : (error as Error).stack}\n`)
  process.exitCode = usage ? EXIT.usage : error instanceof BrokerError ? EXIT.unreachable : EXIT.bug
}
