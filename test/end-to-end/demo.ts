/** The demo as a process, as a person starts it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createCodec } from '@signalbox/codec'
import { type Decision, defaultLimits } from '@signalbox/contract'
import { openSqliteLogReader } from '@signalbox/log-sqlite'
import { decisions } from '@signalbox/presentation'
import { root } from '../support/root.ts'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export function spawnDemo(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'packages/examples/src/demo.ts'), ...parameters],
    {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = new Promise<Ended>((resolve) => child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })))
  return { child, ended }
}

/** Resolves when the child has said on stderr that at least `count` intents are decided. */
export function decidedAtLeast(child: ChildProcess, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      for (const [, done] of chunk.toString().matchAll(/([\d,]+) of [\d,]+ decided/g))
        if (Number(done!.replaceAll(',', '')) >= count) resolve()
    })
    child.once('exit', () => reject(new Error(`the demo ended before ${count} intents were decided`)))
  })
}

/** Every decision in a demo's log but the setup's, in log order. */
export async function decisionsIn(directory: string): Promise<readonly Decision[]> {
  const log = await openSqliteLogReader({ directory })
  try {
    const all: Decision[] = []
    for await (const decision of decisions({ log, codec: createCodec({ limits: defaultLimits }) }))
      if (decision.agent !== 'front-office') all.push(decision)
    return all
  } finally {
    await log.close()
  }
}
