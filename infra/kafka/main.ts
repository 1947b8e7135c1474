// Kafka and a schema registry without Docker, for a person at a terminal: `npm run kafka -- COMMAND`, see USAGE.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { processIsAlive } from './cache.ts'
import { BrokerError } from './errors.ts'
import { accepts } from './ports.ts'
import { runDetached, runUntilAsked, type UpOptions } from './up.ts'
import { environmentLines, readState, removeState, type Server } from './up-state.ts'

const USAGE = `usage: npm run kafka -- up [--brokers 1|3] [--port N] [--no-registry] [--data DIR] [--detach]
       npm run kafka -- status     exit code 0 when all of it answers, 4 when not
       npm run kafka -- down

up starts Kafka and a schema registry on this machine, prints KAFKA_BROKERS=... and SCHEMA_REGISTRY_URL=... and runs
until Ctrl-C.
  --brokers 1|3    three replicate (replication factor 3, min ISR 2); 1 when left out
  --port N         clients connect here; three brokers take N, N+1 and N+2; free ports when left out
  --no-registry    Kafka only
  --data DIR       keeps topics and schemas in DIR for the next time; they are deleted at the end when left out
  --detach         runs in the background and returns once it is up: export $(npm run --silent kafka -- up --detach)
`
const DOWN_TIMEOUT_MS = 30_000
const ANSWER_TIMEOUT_MS = 2_000
const EXIT = { ok: 0, bug: 1, usage: 2, unreachable: 4 } as const

async function up(options: UpOptions, detach: boolean): Promise<number> {
  const other = await readState()
  if (other !== null) {
    process.stderr.write(
      `Kafka is up already at ${other.environment.KAFKA_BROKERS} (process ${other.pid}). Use it, or run \`down\` first.\n`,
    )
    return EXIT.usage
  }
  if (detach) {
    await runDetached(process.argv.slice(3).filter((argument) => argument !== '--detach'))
    return EXIT.ok
  }
  const reason = await runUntilAsked(options)
  if (reason === null) return EXIT.ok
  process.stderr.write(`${reason} Run \`up\` again.\n`)
  return EXIT.unreachable
}

async function status(): Promise<number> {
  const state = await readState()
  if (state === null) {
    process.stderr.write('Kafka is not up. Start it with `up`.\n')
    return EXIT.unreachable
  }
  const answers = await Promise.all(state.servers.map(answersAt))
  state.servers.forEach(({ name, address, pid }, index) => {
    process.stderr.write(`${name.padEnd(9)} ${address.padEnd(16)} process ${`${pid}`.padEnd(8)} ${answers[index] ? 'up' : 'down'}\n`)
  })
  process.stdout.write(environmentLines(state.environment))
  if (answers.every((each) => each)) return EXIT.ok
  process.stderr.write('Not all of it answers. Run `down`, then `up`.\n')
  return EXIT.unreachable
}

async function answersAt({ address, pid }: Server): Promise<boolean> {
  const [host, port] = address.split(':') as [string, string]
  // Somebody else may listen there once it has ended.
  return processIsAlive(pid) && (await accepts(host, Number(port), ANSWER_TIMEOUT_MS))
}

async function down(): Promise<number> {
  const state = await readState()
  if (state === null) {
    removeState()
    process.stderr.write('Kafka is not up; nothing to stop.\n')
    return EXIT.ok
  }
  process.kill(state.pid, 'SIGTERM')
  const deadline = Date.now() + DOWN_TIMEOUT_MS
  while (processIsAlive(state.pid)) {
    if (Date.now() > deadline) {
      process.stderr.write(`Process ${state.pid} did not stop within ${DOWN_TIMEOUT_MS / 1000} s. End it by hand: kill -9 ${state.pid}\n`)
      return EXIT.unreachable
    }
    await sleep(50)
  }
  return EXIT.ok
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    allowNegative: true,
    options: {
      brokers: { type: 'string', default: '1' },
      port: { type: 'string' },
      registry: { type: 'boolean', default: true },
      data: { type: 'string' },
      detach: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return EXIT.ok
  }
  const brokers = values.brokers === '1' ? 1 : values.brokers === '3' ? 3 : null
  const port = values.port === undefined ? undefined : Number(values.port)
  const portIsValid = port === undefined || (Number.isInteger(port) && port > 0 && port <= 65_535 - 2)
  const [command, ...rest] = positionals
  if (rest.length === 0 && brokers !== null && portIsValid && values.data !== '') {
    if (command === 'up') return up({ brokers, port, registry: values.registry, data: values.data }, values.detach)
    if (command === 'status') return status()
    if (command === 'down') return down()
  }
  process.stderr.write(USAGE)
  return EXIT.usage
}

try {
  process.exitCode = await main()
} catch (error) {
  const usage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') ?? false
  const known = error instanceof BrokerError
  process.stderr.write(usage ? USAGE : `${known ? error.message : (error as Error).stack}\n`)
  process.exitCode = usage ? EXIT.usage : known ? EXIT.unreachable : EXIT.bug
}
