import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { processIsAlive } from './cache.ts'
import { Keeper } from './kept-process.ts'

const PATIENCE_MS = 30_000
/** Would run for ever, and ends well when it is asked to. */
const ENDLESS = ['node', '-e', "process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('here')"] as const
let folder = ''
let log = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-keeper-'))
  log = join(folder, 'log.txt')
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS / 2
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what}: not in time`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const hasSpoken = () => existsSync(log) && readFileSync(log, 'utf8').includes('here')

describe('what a keeper runs', { timeout: PATIENCE_MS }, () => {
  it('is asked to end, even when it is paused, and its folder is deleted', async () => {
    const keeper = new Keeper(folder)
    const kept = await keeper.run(ENDLESS, log)
    await until('the first word', hasSpoken)
    kept.signal('SIGSTOP')
    await Promise.all([keeper.close(), keeper.close()])
    assert.equal(await kept.exited, 'exit code 7')
    assert.equal(kept.isAlive(), false)
    assert.equal(existsSync(folder), false)
  })

  it('may end and be started again; its folder stays meanwhile', async () => {
    const keeper = new Keeper(folder)
    const first = await keeper.run(ENDLESS, log)
    first.signal('SIGKILL')
    assert.equal(await keeper.hold(first.exited), 'signal SIGKILL')
    first.signal('SIGTERM')
    const second = await keeper.run(ENDLESS, log)
    assert.notEqual(second.pid, first.pid)
    assert.equal(second.isAlive(), true)
    await keeper.close()
    assert.equal(processIsAlive(second.pid), false)
  })

  it('is told apart from what does not exist', async () => {
    const keeper = new Keeper(null)
    await assert.rejects(keeper.run(['signalbox-no-such-command'], log), /signalbox-no-such-command did not start/)
    await keeper.close()
    assert.ok(existsSync(folder), 'a keeper of nothing deletes nothing')
    await assert.rejects(keeper.run(ENDLESS, log), /its keeper ended/)
  })

  it('ends with its user, however that ends, and does not keep him', async () => {
    const program = `
      import { Keeper } from ${JSON.stringify(join(import.meta.dirname, 'kept-process.ts'))}
      const kept = await new Keeper(process.argv[1]).run(${JSON.stringify(ENDLESS)}, process.argv[2])
      process.stdout.write(String(kept.pid))
      if (process.argv[3] === 'stay') setInterval(() => {}, 1000)`
    for (const [manner, signal] of [
      ['stay', 'SIGKILL'],
      ['leave', null],
    ] as const) {
      const inner = mkdtempSync(join(folder, 'inner-'))
      const user = spawn(process.execPath, ['--input-type=module', '-e', program, inner, join(inner, 'log.txt'), manner], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      user.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8')
        if (signal !== null) user.kill(signal)
      })
      await new Promise((resolve) => user.once('close', resolve))
      assert.match(output, /^\d+$/)
      await until('the end of what was kept', () => !processIsAlive(Number(output)) && !existsSync(inner))
    }
  })
})
