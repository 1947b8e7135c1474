/** A signal at the very moment at which a process says its first word, or that it is up, stops it as cleanly as a later one. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runOnTopics } from '../support/commands.ts'
import { root } from '../support/root.ts'

const main = join(root, 'packages/cli/src/main.ts')
const config = join(root, 'test/end-to-end/shop.config.ts')
const directory = mkdtempSync(join(tmpdir(), 'signalbox-early-'))
const topicPrefix = `early-${process.pid}-${Date.now()}`
let folders = 0

beforeAll(async () => {
  const made = await runOnTopics(directory, topicPrefix, ['topics', 'apply', '--partitions', '2'])
  expect(made.code, made.stderr).toBe(0)
}, 60_000)

afterAll(() => rmSync(directory, { recursive: true, force: true }))

interface Kind {
  readonly parameters: readonly string[]
  readonly log: 'sqlite' | 'kafka'
}

/** Sent where `moment` is first read; gives exit code and signal, and what was said. */
async function endedBy({ log, parameters }: Kind, moment: RegExp) {
  const { KAFKA_BROKERS, KAFKA_BOOTSTRAP_SERVERS: _servers, ...environment } = process.env
  const kafka = log === 'kafka' ? { KAFKA_BROKERS, KAFKA_TOPIC_PREFIX: topicPrefix } : {}
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters, '--config', config], {
    cwd: mkdtempSync(join(directory, `${folders++}-`)),
    env: { ...environment, ...kafka, SIGNALBOX_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  let isSent = false
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (isSent || !moment.test(said)) return
    isSent = true
    child.kill('SIGTERM')
  })
  const ended = await new Promise<unknown>((resolve) => child.once('close', (code, by) => resolve([code, by])))
  return { ended, isSent, said }
}

const kinds: Readonly<Record<string, Kind>> = {
  up: { parameters: ['up', '--port', '0'], log: 'sqlite' },
  'up on Kafka': { parameters: ['up', '--port', '0'], log: 'kafka' },
  sequencer: { parameters: ['sequencer', '--port', '0'], log: 'kafka' },
  gateway: { parameters: ['gateway', '--port', '0'], log: 'kafka' },
  'process-manager': { parameters: ['process-manager', '--port', '0'], log: 'kafka' },
  escalations: { parameters: ['escalations', '--port', '0'], log: 'kafka' },
  projector: { parameters: ['projector', '--port', '0'], log: 'kafka' },
}

describe.each(Object.entries(kinds))('%s', (_name, kind) => {
  it.each([/is up/, /./])(
    'ends cleanly by a signal at %s',
    async (moment) => {
      const { ended, isSent, said } = await endedBy(kind, moment)
      expect(isSent, said).toBe(true)
      expect(ended, said).toEqual([0, null])
    },
    60_000,
  )
})
