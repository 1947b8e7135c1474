import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, processIsAlive } from './cache.ts'
import { runCommand } from './command.ts'

export interface Server {
  readonly name: string
  /** `HOST:PORT` */
  readonly address: string
  readonly pid: number
}

/** What `up` has started, for `status` and `down`. */
export interface UpState {
  /** The process of `up` itself. */
  readonly pid: number
  /** The environment that clients need. */
  readonly environment: Readonly<Record<string, string>>
  readonly servers: readonly Server[]
}

const stateFile = () => join(cacheFolder(), 'kafka-up.json')
export const logFile = () => join(cacheFolder(), 'kafka-up.txt')

/** What an `up` that still runs has started; null when none does. */
export async function readState(): Promise<UpState | null> {
  if (!existsSync(stateFile())) return null
  const state = JSON.parse(readFileSync(stateFile(), 'utf8')) as Partial<UpState>
  // An older version wrote it otherwise; whatever that has started, this one cannot tell of.
  return isWhole(state) && (await isUp(state.pid)) ? state : null
}

function isWhole(state: Partial<UpState>): state is UpState {
  return typeof state.pid === 'number' && state.environment !== undefined && Array.isArray(state.servers)
}

/** Whether the process is an `up`: the number of one that was killed may belong to somebody else by now. */
export async function isUp(pid: number): Promise<boolean> {
  if (!processIsAlive(pid)) return false
  const ps = await runCommand('ps', ['-o', 'args=', '-p', `${pid}`], 10_000)
  // Windows has no `ps`; there the number has to do.
  return ps === null || ps.output.includes('main.ts')
}

export function writeState(state: UpState): void {
  mkdirSync(cacheFolder(), { recursive: true })
  writeFileSync(stateFile(), JSON.stringify(state))
}

export function removeState(): void {
  rmSync(stateFile(), { force: true })
}

/** As lines that a shell can export. */
export function environmentLines(environment: UpState['environment']): string {
  return Object.entries(environment)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
