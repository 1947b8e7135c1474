/** Dead letters of a projection, redriven by the command; and a redrive that is interrupted. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { partitionOf } from '@signalbox/contract'
import type { DeadLetter, RedriveResult } from '@signalbox/dead-letters'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { describe, expect, it, vi } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { intent } from './intents.ts'

const minute = 60_000

function running(commands: Commands, url: () => string) {
  const all = (parameters: readonly string[]) => ['dead-letter', ...parameters, '--data-dir', 'data', '--url', url(), '--json']
  const json = async <Result>(...parameters: readonly string[]) => {
    const { code, stderr, stdout } = await commands.run(all(parameters))
    expect(stdout, stderr).not.toBe('')
    return { code, stderr, value: JSON.parse(stdout) as Result }
  }
  return { all, json }
}

describe('an event that a projection could not take', () => {
  it(
    'is folded again when the projection is mended, and not before',
    async () => {
      const commands = await openCommands(join(import.meta.dirname, '../end-to-end/projection.config.ts'))
      let { url } = commands
      try {
        const { json } = running(commands, () => url)
        const open = 'open order/cursed {"cents":666}'
        const submitted = await commands.run(['intent', 'submit', '--scope', 's', '--agent', 'clerk', '--do', open, '--url', url])
        expect(submitted.code, submitted.stderr).toBe(0)
        const list = async () => (await json<DeadLetter[]>('list', '--ungrouped')).value
        await vi.waitUntil(async () => (await list()).length > 0, { timeout: 20_000, interval: 200 })
        const letters = await list()
        const [{ id }] = letters as [DeadLetter]
        expect(letters).toMatchObject([{ topic: 'projector', code: 'PROJECTION_FAILED', parked: { projection: 'dear-orders', key: 's' } }])
        const redrive = ['redrive', id, '--yes', '--reason', 'mended', '--by', 'ann']
        expect(await json<RedriveResult[]>(...redrive)).toMatchObject({
          code: 5,
          value: [{ outcome: 'blocked', code: 'STILL_DEAD_LETTERED' }],
        })
        await commands.stopUp()
        commands.environment.CURED = 'yes'
        const config = join(import.meta.dirname, '../end-to-end/projection.config.ts')
        const up = commands.start(['up', '--config', config, '--data-dir', 'data', '--port', '0'])
        try {
          await vi.waitUntil(() => up.out.stderr.includes('signalbox is up'), { timeout: 30_000, interval: 20 })
          url = /http:\/\/127\.0\.0\.1:\d+/.exec(up.out.stderr)![0]
          expect(await json<RedriveResult[]>(...redrive)).toMatchObject({ code: 0, value: [{ outcome: 'committed' }] })
          expect((await json<DeadLetter>('show', id)).value).toMatchObject({ standing: { state: 'redriven', by: 'human:ann' } })
          const shown = await commands.run(['projection', 'show', 'dear-orders', '--data-dir', 'data', '--json'])
          expect(JSON.parse(shown.stdout)).toMatchObject({ parked: 0 })
        } finally {
          up.child.kill('SIGTERM')
          await up.ended
        }
      } finally {
        await commands.close()
      }
    },
    2 * minute,
  )
})

describe('a redrive that is interrupted', () => {
  it(
    'ends what is under way, says what is left, and goes on when it is run again',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'signalbox-dead-letter-'))
      const log = await openSqliteLog({ directory: join(folder, 'data'), partitionCount: 4 })
      const append = async (value: object) =>
        await log.append(partitionOf('hall', 4), { key: 'hall', value: Buffer.from(JSON.stringify(value)), headers: {} })
      await append(intent('hall', 'start', {}))
      for (let parcel = 0; parcel < 6; parcel++) await append(intent('hall', 'pass', { parcel, pounds: 5_000 }))
      await log.close()
      const first = await openCommands(join(import.meta.dirname, 'first.config.ts'), folder)
      const list = running(first, () => first.url)
      await vi.waitUntil(async () => (await list.json<DeadLetter[]>('list', '--ungrouped')).value.length === 6, {
        timeout: 20_000,
        interval: 200,
      })
      await first.stopUp()
      const commands = await openCommands(join(import.meta.dirname, 'second.config.ts'), folder)
      try {
        const { all, json } = running(commands, () => commands.url)
        const redrive = ['redrive', '--all', '--yes', '--reason', 'mended', '--by', 'ann']
        const slow = commands.start(all([...redrive, '--rate', '2']))
        const redriven = async () => (await json<DeadLetter[]>('list', '--ungrouped', '--standing', 'redriven')).value.length
        await vi.waitUntil(async () => (await redriven()) > 0, { timeout: 20_000, interval: 50 })
        slow.child.kill('SIGINT')
        const { code, stderr, stdout } = await slow.ended
        expect(code, stderr).toBe(6)
        const outcomes = (JSON.parse(stdout) as RedriveResult[]).map(({ outcome }) => outcome)
        const committed = outcomes.filter((outcome) => outcome === 'committed').length
        expect(committed).toBeGreaterThan(0)
        expect(outcomes.slice(0, committed + 1)).toEqual([...Array<string>(committed).fill('committed'), 'left'])
        expect(await redriven()).toBe(committed)
        expect(await json(...redrive, '--rate', '1000')).toMatchObject({ code: 0 })
        const belt = await commands.run(['resource', 'show', 'hall', 'belt/main', '--data-dir', 'data', '--json'])
        expect(JSON.parse(belt.stdout)).toMatchObject({ data: { passed: [0, 1, 2, 3, 4, 5] } })
      } finally {
        await commands.close()
      }
    },
    2 * minute,
  )
})
