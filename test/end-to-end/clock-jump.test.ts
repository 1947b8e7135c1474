/** A clock that jumps forward while an embedded log is in use: `/readyz`, the answers and `status` say so until it is set right. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contractSet, type Problem, type Status } from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { intent, order, stock } from '../support/shop.ts'
import { runHere } from './run-here.ts'

const hourMs = 3_600_000
const directory = mkdtempSync(join(tmpdir(), 'signalbox-clock-'))
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  rmSync(directory, { recursive: true, force: true })
})

/** On a machine whose clock is ahead by `aheadMs`, and can be set. */
async function open(clock: { aheadMs: number }) {
  const log = await openSqliteLog({
    directory,
    clocks: { wallMs: () => Date.now() + clock.aheadMs, monotonicMs: () => performance.now(), uptimeMs: () => performance.now() + 60_000 },
  })
  const signalbox = await startSignalbox({ log, contracts: contractSet([order, stock]), logger: pino({ level: 'silent' }) })
  const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 })
  let isOpen = true
  const stop = async () => {
    if (isOpen) await signalbox.stop()
    isOpen = false
  }
  stops.push(stop)
  let orders = 0
  const submit = async () => {
    const body = JSON.stringify(intent([{ resource: `order/${clock.aheadMs}-${orders++}`, action: 'open', input: { cents: 1 } }]))
    const answer = await fetch(`${url}/v1/intents`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    return { status: answer.status, body: (await answer.json()) as Problem & { committed?: boolean; code?: string } }
  }
  const ready = async () => {
    const answer = await fetch(`${url}/readyz`)
    return { status: answer.status, text: await answer.text() }
  }
  const status = async (...more: readonly string[]) => await runHere(['status', '--url', url, ...more])
  return { stop, submit, ready, status }
}

describe('a clock that jumps by two hours', { timeout: 60_000 }, () => {
  it('is told by /readyz, by answers and by status while it lasts, and all goes on when it is set right', async () => {
    const clock = { aheadMs: 0 }
    const { ready, status, submit } = await open(clock)
    expect(await submit()).toMatchObject({ status: 200, body: { committed: true } })
    expect(await ready()).toEqual({ status: 200, text: 'ok\n' })
    clock.aheadMs = 2 * hourMs
    expect(await submit()).toMatchObject({
      status: 503,
      body: { code: 'LOG_UNAVAILABLE', message: expect.stringMatching(/jumped forward by 7[12]\d\d s/) },
    })
    const told = await ready()
    expect(told.status).toBe(503)
    expect(JSON.parse(told.text)).toMatchObject({
      code: 'NOT_READY',
      message: expect.stringMatching(/nothing is appended to the log: .*jumped forward/),
    })
    const shown = await status('--json')
    expect(shown.code, shown.said).toBe(0)
    expect(JSON.parse(shown.stdout) as Status).toMatchObject({ ready: false })
    clock.aheadMs = 0
    expect(await ready()).toEqual({ status: 200, text: 'ok\n' })
    expect(JSON.parse((await status('--json')).stdout) as Status).toMatchObject({ ready: true })
    expect(await submit()).toMatchObject({ status: 200, body: { committed: true } })
  })

  it('that was there before the start, and set right since, is told by status as log time that is ahead', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * hourMs })
    try {
      const ahead = await open({ aheadMs: 0 })
      expect(await ahead.submit()).toMatchObject({ status: 200, body: { committed: true } })
      await ahead.stop()
    } finally {
      vi.useRealTimers()
    }
    const right = await open({ aheadMs: 0 })
    const { partitions } = JSON.parse((await right.status('--json')).stdout) as Status
    expect(Math.max(...partitions.map(({ time }) => time))).toBeGreaterThan(Date.now() + hourMs)
    expect((await right.status()).stdout).toMatch(/log time is ahead of the clock by 7\d\d\d s/)
  })
})
