/** One command as a process, in the folder of the tests. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Ended } from '../support/commands.ts'
import { root } from '../support/root.ts'

export async function runCommandLine(
  parameters: readonly string[],
  { input = '', variables = {} }: { readonly input?: string; readonly variables?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const { KAFKA_BROKERS: _brokers, KAFKA_BOOTSTRAP_SERVERS: _servers, ...environment } = process.env
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'packages/cli/src/main.ts'), ...parameters], {
    env: { ...environment, NO_COLOR: '1', ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end(input)
  const out = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      out[stream] += chunk.toString()
    })
  return await new Promise((resolve) => child.once('close', (code) => resolve({ code, ...out })))
}
