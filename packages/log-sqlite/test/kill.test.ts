import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { copyOf, failureOf, readAll, temporaryDirectory } from './support.ts'

const SCRIPT = join(import.meta.dirname, 'append-forever.ts')

function startAppending(directory: string): {
  readonly child: ChildProcess
  readonly acknowledged: string[]
  reached(count: number): Promise<void>
} {
  const child = spawn(process.execPath, [SCRIPT, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const acknowledged: string[] = []
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', (line) => acknowledged.push(line))
  const ended = once(child, 'exit').then(() => 'ended')
  const reached = async (count: number) => {
    while (acknowledged.length < count) {
      if ((await Promise.race([once(lines, 'line'), ended])) === 'ended') throw new Error('The process ended by itself.')
    }
  }
  return { child, acknowledged, reached }
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'close')
  child.kill('SIGKILL')
  await exited
}

describe('an owner that is killed', { timeout: 30_000 }, () => {
  it('has left everything it acknowledged and nothing half, and its lock is free', async () => {
    const directory = await temporaryDirectory()
    const { child, acknowledged, reached } = startAppending(directory)
    await reached(300)
    const reader = await openSqliteLogReader({ directory })
    await kill(child)
    const log = await openSqliteLog({ directory })
    const events = await readAll(log, 'events')
    const intents = await readAll(log, 'intents')
    const names = new Map(events.map(({ key, headers }) => [key?.split(' ')[0], Number(headers.about)]))
    for (const name of acknowledged) expect(intents[names.get(name)!]?.key).toBe(name)
    expect(names.size).toBeGreaterThanOrEqual(acknowledged.length)
    const expectedKeys = [...new Set(events.map(({ key }) => key!.split(' ')[0]!))].flatMap((name) => {
      const size = 1 + (Number(name.split('-')[1]) % 3)
      return Array.from({ length: size }, (_, index) => `${name} ${index} ${size}`)
    })
    expect(events.map(({ key }) => key)).toEqual(expectedKeys)
    expect(await readAll(reader, 'events')).toEqual(events)
    await reader.close()
    await log.close()
  })

  it('keeps others out while it lives, and says who it is', async () => {
    const directory = await temporaryDirectory()
    const { child, reached } = startAppending(directory)
    await reached(1)
    const failure = await failureOf(openSqliteLog({ directory }))
    expect(failure.code).toBe('OWNED')
    const { host, startedAt } = JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8'))
    expect(failure.message).toContain(`process ${child.pid} on ${host}, started ${startedAt}`)
    expect(failure.message).toContain('Stop that process')
    await kill(child)
    await (await openSqliteLog({ directory })).close()
  })

  it('leaves a write-ahead log whose loss of acknowledged records is noticed', async () => {
    const directory = await temporaryDirectory()
    const { child, reached } = startAppending(directory)
    await reached(100)
    await kill(child)
    const cut = await copyOf(directory)
    const wal = join(cut, 'log.db-wal')
    await truncate(wal, Math.floor((await stat(wal)).size / 2))
    const failure = await failureOf(openSqliteLog({ directory: cut }))
    expect(failure.code).toBe('CORRUPT')
    expect(failure.message).toContain('log.db-wal')
    expect(failure.message).toMatch(/\d+ records were acknowledged and only \d+ are left/)
    expect((await failureOf(openSqliteLogReader({ directory: cut }))).code).toBe('CORRUPT')
    await (await openSqliteLog({ directory })).close()
  })
})
