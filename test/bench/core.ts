/** `signalbox bench core`: decisions a second on one core, rebuilding, and what a resource and a remembered id cost. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { say } from '@signalbox/cli'
import { measureDecisions } from './decisions.ts'
import type { MemoryFigures } from './memory.ts'
import { measureRebuild } from './rebuild.ts'

const rebuiltEvents = 1_000_000
const memoryTimeoutMs = 300_000

export async function benchCore(seconds: number): Promise<object> {
  const decisions = measureDecisions(seconds)
  const rebuild = measureRebuild(rebuiltEvents)
  return { bench: 'core', seconds, ...decisions, ...rebuild, ...(await measureMemory()) }
}

/** In a process of its own, whose memory nothing else is in. */
async function measureMemory(): Promise<MemoryFigures> {
  say('memory: a million ids, and a million resources of 200 bytes')
  const script = fileURLToPath(new URL('./memory.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script], { timeout: memoryTimeoutMs })
  return JSON.parse(stdout) as MemoryFigures
}
