/** A contract changes while its resources live on: the command that looks first, and a log that both versions decided. */
import { join } from 'node:path'
import { contractSet, upcastActions } from '@signalbox/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { first, second } from './bills/contracts.ts'

const config = (name: string) => join(import.meta.dirname, 'bills', `${name}.config.ts`)
let commands: Commands

beforeAll(async () => {
  commands = await openCommands(config('first'))
  const submit = (action: string, ...more: readonly string[]) =>
    commands.run(['intent', 'submit', '--scope', 's', '--agent', 'till', '--do', action, ...more, '--url', commands.url])
  for (const action of ['open bill/1 {"euros":12}', 'open bill/2 {"euros":3}', 'close bill/2'])
    expect((await submit(action)).code, action).toBe(0)
  // Too much on it already: it waits.
  expect((await submit('add bill/1 {"euros":1}', '--on-conflict', 'wait', '--wait-ms', '50')).code).toBe(6)
})

afterAll(async () => await commands.close())

interface Checked {
  readonly fits: boolean
  readonly problems: readonly { readonly code: string; readonly count: number; readonly named: readonly string[] }[]
}

async function check(name: string): Promise<Checked & { readonly exitCode: number | null }> {
  const { code, stderr, stdout } = await commands.run(['contract', 'check', '--with', config(name), '--data-dir', 'data', '--json'])
  expect(stdout, stderr).not.toBe('')
  return { ...(JSON.parse(stdout) as Checked), exitCode: code }
}

describe('signalbox contract check', () => {
  it('lets the contracts as they are pass', async () => {
    expect(await check('first')).toMatchObject({ exitCode: 0, fits: true, problems: [] })
  })

  it('names the resources that a change leaves behind, and what waits for them', async () => {
    const { exitCode, problems } = await check('careless')
    expect(exitCode).toBe(8)
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ code: 'DATA_UNFIT', count: 2, named: ['s bill/1', 's bill/2'] }),
        expect.objectContaining({ code: 'STATE_UNKNOWN', count: 1, named: ['s bill/2'] }),
        expect.objectContaining({ code: 'PENDING_UNFIT', count: 1 }),
      ]),
    )
    const text = await commands.run(['contract', 'check', '--with', config('careless'), '--data-dir', 'data'])
    expect(text.stdout).toContain(
      "STATE_UNKNOWN  bill@2: resources are in a state that it does not have ('closed'; there are open, settled)\n    1: s bill/2",
    )
  })

  it('wants the version raised', async () => {
    const { problems } = await check('same-version')
    expect(problems.map(({ code }) => code)).toContain('SAME_VERSION')
  })

  it('takes an upcast into account; what still waits is told', async () => {
    const { problems } = await check('second')
    expect(problems.map(({ code }) => code)).toEqual(['PENDING_UNFIT'])
  })
})

describe('after the change', () => {
  it('the newer version decides on what the older wrote; both explain what they decided, and an audit is clean', async () => {
    await commands.stopUp()
    const later = await openCommands(config('second'), commands.directory)
    try {
      const submit = (action: string) =>
        later.run(['intent', 'submit', '--scope', 's', '--agent', 'till', '--do', action, '--url', later.url])
      expect((await submit('plus bill/1 {"cents":5}')).code).toBe(0)
      expect(await submit('settle bill/2')).toMatchObject({ code: 5, stdout: expect.stringContaining('is in state settled') })
      const shown = JSON.parse((await later.run(['resource', 'show', 's', 'bill/1', '--url', later.url, '--json'])).stdout) as object
      expect(shown).toMatchObject({ state: 'open', data: { cents: 1_205 } })
      // The older gives the partition up, and the newer does not flip back.
      expect(await check('first')).toMatchObject({
        exitCode: 8,
        problems: expect.arrayContaining([expect.objectContaining({ code: 'OLDER' })]),
      })
      const decisions = JSON.parse((await later.run(['intent', 'list', '--data-dir', 'data', '--json'])).stdout) as { intentId: string }[]
      expect(decisions.length).toBeGreaterThan(4)
      for (const { intentId } of decisions) {
        const { stdout } = await later.run(['intent', 'explain', intentId, '--data-dir', 'data', '--json'])
        expect(JSON.parse(stdout)).toMatchObject({ agrees: true })
      }
      const audit = JSON.parse((await later.run(['audit', '--data-dir', 'data', '--json'])).stdout) as object
      expect(audit).toMatchObject({ clean: true, not_decided_again: 0 })
    } finally {
      await later.stopUp()
    }
  }, 60_000)

  it('an intent that was made for the older version is asked as the newer takes it', () => {
    const recorded = [{ type: 'bill', version: 1, digest: 'd' }]
    const asked = { resource: 'bill/1', action: 'add', input: '{"euros":2}', expectedVersion: null }
    const [now] = upcastActions(contractSet([first, second]), recorded, [asked])
    expect(now).toEqual({ ...asked, action: 'plus', input: '{"cents":200}' })
    expect(upcastActions(contractSet([first]), recorded, [asked])).toEqual([asked])
  })
})
