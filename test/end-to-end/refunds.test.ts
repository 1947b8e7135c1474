/** The story of the refunds as a person starts it: a few seeds, planted bugs to see the counters count, and the counters by themselves. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Event, homeScope, type ResourceChange, systemScope } from '@signalbox/contract'
import { Counter, planOf } from '@signalbox/examples/refunds'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/root.ts'
import { spawnDemo } from './demo.ts'

let directory = ''

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-refunds-'))
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function play(seed: number, ...more: readonly string[]) {
  const folder = join(directory, [seed, ...more].join('-'))
  // It has ended when nobody holds its output any more: the agents, the bank and the mail server are gone, too.
  const { code, stderr, stdout } = await spawnDemo(['--story', 'refunds', '--seed', `${seed}`, '--data-dir', folder, '--json', ...more])
    .ended
  expect(stdout, `exit code ${code}: ${stderr}`).not.toBe('')
  return { code, folder, result: JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown> }
}

const shown = {
  refunded_twice: 0,
  mailed_twice: 0,
  effects_after_quarantine: 0,
  effects_unknown_to_the_log: 0,
  effects_unreported: 0,
  escalations_open: 0,
  escalations_settled_twice: 0,
  verdicts_refused: 1,
  replays_equal: true,
}

describe('the refunds of a shop', () => {
  it.each([
    [4, { wrong: 'refund', mistake: 'twice', contained: { AGENT_QUARANTINED: expect.any(Number), STATE_CONFLICT: expect.any(Number) } }],
    [6, { wrong: 'email', mistake: 'crash', contained: { AGENT_QUARANTINED: 4 } }],
    [18, { wrong: 'refund', mistake: 'crash', contained: { AGENT_QUARANTINED: 4 } }],
  ])('seed %i ends with everything refunded once and settled once', async (seed, also) => {
    const { code, folder, result } = await play(seed)
    expect(result).toMatchObject({ ...shown, ...also, seed })
    expect(result.escalations_settled).toBeGreaterThan(0)
    expect(code).toBe(0)
    if (seed !== 4) return
    // What it names to try next finds its contracts by itself.
    const main = join(root, 'packages/cli/src/main.ts')
    const audited = spawnSync(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      main,
      'audit',
      '--json',
      '--log',
      'sqlite',
      '--data-dir',
      folder,
    ])
    expect(JSON.parse(audited.stdout.toString())).toMatchObject({ clean: true, not_decided_again: 0 })
  })

  it.each([
    ['agent-ignores-effect-id', { refunded_twice: 1, effects_after_quarantine: 0, effects_unknown_to_the_log: expect.any(Number) }],
    ['bank-ignores-keys', { refunded_twice: 1, effects_after_quarantine: 0, effects_unknown_to_the_log: 0 }],
    ['quarantined-agent-goes-on', { refunded_twice: 0, effects_after_quarantine: 1, effects_unknown_to_the_log: 1 }],
  ])('the planted bug %s is counted', async (plant, counted) => {
    const { code, result } = await play(8, '--plant', plant)
    expect(result).toMatchObject(counted)
    if (plant === 'agent-ignores-effect-id') expect(result.effects_unknown_to_the_log).toBeGreaterThan(0)
    expect(code).not.toBe(0)
  })

  it('without a coordinator the same seed refunds again and again', async () => {
    const { code, result } = await play(4, '--without')
    expect(code).toBe(0)
    // Once as the bank's answer got lost, and five times as the agent does not give up.
    expect(result).toMatchObject({ without: true, seed: 4, wrong: 'refund', mistake: 'twice', refunded_twice: 6 })
  })

  it('a folder of something else is left alone', async () => {
    const { code, stderr } = await spawnDemo(['--story', 'refunds', '--data-dir', root, '--json']).ended
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('holds something else') })
    expect(existsSync(join(root, 'package.json'))).toBe(true)
  })

  it('twenty seeds in a row show every agent, every mistake and every verdict', () => {
    const plans = Array.from({ length: 20 }, (_, index) => planOf(index + 1))
    expect(new Set(plans.map(({ wrong }) => wrong)).size).toBe(5)
    expect(new Set(plans.map(({ mistake }) => mistake)).size).toBe(4)
    expect(new Set(plans.map(({ verdict }) => verdict)).size).toBe(3)
    expect(new Set(plans.filter(({ mistake }) => mistake === 'crash').map(({ afterEffect }) => afterEffect)).size).toBe(2)
    expect(planOf(7)).toEqual(planOf(7))
  })
})

describe('what counts', () => {
  const changed = (resource: string, state: string, data: object): ResourceChange => ({
    resource,
    action: 'any',
    contractVersion: 1,
    fromVersion: 0,
    version: 1,
    fromState: null,
    state,
    data: JSON.stringify(data),
    timer: null,
    fields: null,
  })
  const applied = (scope: string, time: number, ...changes: readonly ResourceChange[]): Event => ({
    type: 'RuleApplied',
    partition: 0,
    offset: time,
    index: 0,
    time,
    scope,
    payload: { rule: 'other', message: 'any', cause: null, changes, resource: null, code: null, details: null },
  })
  const entry = (number: number, key: string, about: string, atMs: number) => ({
    number,
    key,
    about,
    atMs,
    agent: 'refund',
    scope: 's',
    amountCents: 1,
  })
  const nothing = { bank: [], mail: [] }

  it('an escalation that is open, one that is settled, and one that is settled again', () => {
    const counter = new Counter('refund', 1)
    for (const [id, state] of [
      ['a', 'triggered'],
      ['b', 'triggered'],
      ['b', 'acknowledged'],
      ['b', 'resolved'],
      ['c', 'triggered'],
      ['c', 'expired'],
      ['c', 'resolved'],
    ] as const)
      counter.add(applied('s', 1, changed(`escalation/${id}`, state, {})))
    expect(counter.tally(nothing)).toMatchObject({ escalationsOpen: 1, escalationsSettled: 2, escalationsSettledTwice: 1 })
  })

  it('a booking in quarantine, on the partition of its scope and until the release', () => {
    const counter = new Counter('refund', 1)
    const here = systemScope(0, 1)
    counter.add(applied(homeScope('refund'), 50, changed('agent/refund', 'quarantined', { agent: 'refund' })))
    counter.add(applied(here, 100, changed('agent/refund', 'quarantined', { agent: 'refund' })))
    counter.add(applied(here, 150, changed('agent/refund', 'quarantined', { agent: 'refund' })))
    counter.add(applied(here, 200, changed('agent/refund', 'active', { agent: 'refund' })))
    const bank = [80, 120, 180, 220].map((atMs, index) => entry(index, `k${index}`, `refund/${index}`, atMs))
    expect(counter.tally({ bank, mail: [] })).toMatchObject({ effectsAfterQuarantine: 2, refundedTwice: 0, effectsUnknown: 4 })
  })

  it('a refund booked twice, by two keys or by one; an effect nobody asked for; one nobody reported', () => {
    const counter = new Counter('refund', 1)
    counter.add(applied('s', 1, changed('effect/k1', 'pending', { agent: 'refund' }), changed('effect/k2', 'done', { agent: 'refund' })))
    const bank = [
      entry(1, 'k1', 'refund/1', 1),
      entry(2, 'k1', 'refund/1', 2),
      entry(3, 'k3', 'refund/1', 3),
      entry(4, 'k2', 'refund/2', 4),
    ]
    expect(counter.tally({ bank, mail: [] })).toMatchObject({ refundedTwice: 2, effectsUnknown: 1, effectsUnreported: 1 })
  })
})
