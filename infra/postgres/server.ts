/** Starts a PostgreSQL server on 127.0.0.1 without Docker, its data in a temporary folder. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastLines, runCommand } from '../kafka/command.ts'
import { Keeper } from '../kafka/kept-process.ts'
import { freePorts } from '../kafka/ports.ts'
import { PostgresError } from './errors.ts'

export interface RunningPostgres {
  /** What `POSTGRES_URL` takes. */
  readonly url: string
  /** Process id of the server itself. */
  readonly pid: number
  /** Stops the server and deletes its data. Safe to call twice. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 60_000
const PORT_ATTEMPTS = 5
const POLL_MS = 50
const USER = 'signalbox'

/** The server ends with the process that called this, however that ends. Errors: PostgresError, with the last lines of its log. */
export async function startPostgres(binaries: string): Promise<RunningPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-postgres-'))
  const keeper = new Keeper(folder)
  try {
    return await start(binaries, folder, keeper)
  } catch (error) {
    await keeper.close()
    throw error
  }
}

/** The server refuses to run as root: then it runs as the user that packages make for it, or as nobody. */
function runAs(): { readonly uid: number; readonly gid: number; readonly name: string } | null {
  if (process.getuid?.() !== 0) return null
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
      return { name, uid: id('-u'), gid: id('-g') }
    } catch {
      // No such user; the next one.
    }
  }
  throw new PostgresError(
    'PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as. Make one, or run this as another user.',
  )
}

async function start(binaries: string, folder: string, keeper: Keeper): Promise<RunningPostgres> {
  const user = runAs()
  const data = join(folder, 'data')
  mkdirSync(data)
  chmodSync(folder, 0o755)
  chmodSync(data, 0o700)
  if (user !== null) chownSync(data, user.uid, user.gid)
  const as = (command: readonly [string, ...string[]]): readonly [string, ...string[]] =>
    user === null ? command : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--', ...command]
  const [name, ...parameters] = as([
    join(binaries, 'initdb'),
    '-D',
    data,
    '-U',
    USER,
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ])
  const made = await runCommand(name, parameters, START_TIMEOUT_MS)
  if (made === null)
    throw new PostgresError(`There is no ${name} to start PostgreSQL by; install util-linux, or run this as a user who is not root.`)
  if (made.exitCode !== 0)
    throw new PostgresError(`initdb ended with exit code ${made.exitCode}. Its last lines were:\n${lastLines(made.output, 20)}`)
  const log = join(folder, 'server.log')
  for (let attempt = 1; ; attempt++) {
    const port = (await freePorts(1))[0]!
    const settings = ['port', `${port}`, 'listen_addresses', '127.0.0.1', 'unix_socket_directories', '', 'max_connections', '200']
    const flags = settings.flatMap((value, index) => (index % 2 === 0 ? ['-c', `${value}=${settings[index + 1]}`] : []))
    const from = readFrom(log, 0).length
    const server = await keeper.run(as([join(binaries, 'postgres'), '-D', data, ...flags]), log)
    const isReady = await keeper.hold(untilReady(log, from, server))
    if (isReady) {
      return { url: `postgres://${USER}@127.0.0.1:${port}/postgres`, pid: server.pid, stop: () => keeper.close() }
    }
    server.signal('SIGKILL')
    const said = readFrom(log, from)
    if (attempt < PORT_ATTEMPTS && /Address already in use/.test(said)) continue
    throw new PostgresError(`PostgreSQL was not ready within ${START_TIMEOUT_MS / 1_000} s. Its last lines were:\n${lastLines(said, 20)}`)
  }
}

async function untilReady(log: string, from: number, server: { isAlive(): boolean; readonly exited: Promise<string> }): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (server.isAlive() && Date.now() < deadline) {
    if (readFrom(log, from).includes('database system is ready to accept connections')) return true
    await Promise.race([sleep(POLL_MS), server.exited])
  }
  return false
}

function readFrom(file: string, from: number): string {
  return existsSync(file) ? readFileSync(file).subarray(from).toString('utf8') : ''
}
