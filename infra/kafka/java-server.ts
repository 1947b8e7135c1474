import { existsSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastLines } from './command.ts'
import { BrokerError } from './errors.ts'
import type { Keeper, KeptProcess } from './kept-process.ts'

const POLL_MS = 50
const PORT_TAKEN = /Address already in use|Socket server failed to bind|Port\(s\) already bound/

export interface JavaServer {
  /** What a person calls it. */
  readonly name: string
  readonly keeper: Keeper
  /** The arguments of `java`. */
  readonly java: readonly string[]
  /** Where its output goes; added to what is there. */
  readonly logFile: string
  readonly timeoutMs: number
  /** About how much memory it needs, for the message. */
  readonly memory: string
  /** Asked with what it has logged since this start. */
  isReady(log: string): Promise<boolean>
}

/** Somebody else took the port between the choice of it and the start. */
export class PortTakenError extends BrokerError {}

export function portTaken(name: string): PortTakenError {
  return new PortTakenError(`The port of the ${name} is taken. Stop what listens there, or leave the port out.`)
}

/** Starts a server and waits until it is ready. Errors: PortTakenError; BrokerError with the last lines of its log. */
export async function startJavaServer(server: JavaServer): Promise<KeptProcess> {
  const from = existsSync(server.logFile) ? statSync(server.logFile).size : 0
  const process = await server.keeper.run(['java', ...server.java], server.logFile)
  const outcome = await server.keeper.hold(untilReady(server, process, from))
  if (outcome.ready) return process
  process.signal('SIGKILL')
  await server.keeper.hold(process.exited)
  const log = readFrom(server.logFile, from)
  if (PORT_TAKEN.test(log)) throw portTaken(server.name)
  throw new BrokerError(
    `The ${server.name} ${outcome.how}. Its last lines were:\n${lastLines(log, 20)}\n` +
      `It needs about ${server.memory} of memory and a writable temporary folder (${tmpdir()}); see that it has both, then try again.`,
  )
}

async function untilReady(
  server: JavaServer,
  process: KeptProcess,
  from: number,
): Promise<{ readonly ready: true } | { readonly ready: false; readonly how: string }> {
  const deadline = Date.now() + server.timeoutMs
  while (process.isAlive() && Date.now() < deadline) {
    if (await server.isReady(readFrom(server.logFile, from))) return { ready: true }
    await Promise.race([sleep(POLL_MS), process.exited])
  }
  if (process.isAlive()) return { ready: false, how: `was not ready within ${server.timeoutMs / 1000} s` }
  return { ready: false, how: `ended while it started (${await process.exited})` }
}

function readFrom(file: string, from: number): string {
  return existsSync(file) ? readFileSync(file).subarray(from).toString('utf8') : ''
}
