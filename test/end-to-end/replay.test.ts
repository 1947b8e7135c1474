/** Looking back at logs of real runs: the bookings and the refunds. Everything that is said is held against a plain fold. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { createCodec, sha256 } from '@signalbox/codec'
import {
  type Contract,
  type ContractSet,
  containmentOf,
  contractSet,
  defaultLimits,
  refuse,
  type SignalboxConfig,
} from '@signalbox/contract'
import { evolve, type PartitionState, preparedContracts, type Rules } from '@signalbox/core'
import { type LoggedEvent, readEvents } from '@signalbox/event-log'
import { openSqliteLogReader } from '@signalbox/log-sqlite'
import { beginningOf, type Source } from '@signalbox/partition-state'
import { explainIn, presentDecision, presentResource } from '@signalbox/presentation'
import { diffLog, openExport, ReplaySession, resourceAt } from '@signalbox/replay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import bookings from '../../packages/examples/src/bookings/signalbox.config.ts'
import refunds from '../../packages/examples/src/refunds/signalbox.config.ts'
import { root } from '../support/root.ts'
import { spawnDemo } from './demo.ts'

const main = join(root, 'packages/cli/src/main.ts')
const seed = Number(process.env.SIGNALBOX_SEED ?? 20_261_126)
let directory = ''

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-replay-'))
  const runs = [
    spawnDemo(['--json', '--data-dir', join(directory, 'bookings')]),
    // One agent acts on stale facts; its breaker opens, it is put in quarantine, its work is handed over, humans settle the rest.
    spawnDemo(['--story', 'refunds', '--seed', '8', '--json', '--data-dir', join(directory, 'refunds')]),
  ]
  for (const { ended } of runs) expect((await ended).code).toBe(0)
}, 180_000)

afterAll(() => rmSync(directory, { recursive: true, force: true }))

const configs = { bookings, refunds }
type Name = keyof typeof configs

async function withLog<Result>(name: Name, ask: (source: Source, rules: Rules) => Promise<Result>): Promise<Result> {
  const log = await openSqliteLogReader({ directory: join(directory, name) })
  try {
    return await ask(
      { log, codec: createCodec({ limits: defaultLimits }), limits: defaultLimits },
      rulesOf(configs[name], log.partitionCount),
    )
  } finally {
    await log.close()
  }
}

function rulesOf(config: SignalboxConfig, partitionCount: number): Rules {
  const { agents = null, containment, contracts } = config
  return {
    contracts: preparedContracts(contractSet(contracts)),
    limits: defaultLimits,
    containment: containmentOf(containment),
    partitionCount,
    agents,
    sha256,
  }
}

/** From 0 to below 1, the same for the same seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function allEvents(source: Source, partition: number): Promise<readonly LoggedEvent[]> {
  const events: LoggedEvent[] = []
  for await (const logged of readEvents(source, partition)) events.push(logged)
  return events
}

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function signalbox(parameters: readonly string[], input?: string): Ran {
  const { KAFKA_BROKERS: _brokers, ...rest } = process.env
  const environment = { ...rest, NO_COLOR: '1' }
  const { status, stderr, stdout } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters], {
    encoding: 'utf8',
    cwd: directory,
    env: environment,
    maxBuffer: 256 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  })
  return { code: status, stdout, stderr }
}

describe.each<Name>(['bookings', 'refunds'])('the log of the %s', (name) => {
  it('has every decision explained anew as it was recorded', async () => {
    await withLog(name, async (source, rules) => {
      let explained = 0
      for (let partition = 0; partition < source.log.partitionCount; partition++) {
        const state = beginningOf(source, partition)
        for await (const logged of readEvents(source, partition)) {
          const decision = presentDecision(logged.event, logged.logOffset)
          if (decision !== null) {
            const { agrees, explanation } = explainIn(state, rules, logged)
            expect(agrees, JSON.stringify({ decision, explanation }, null, 1)).toBe(true)
            explained++
          }
          evolve(state, logged.event)
        }
      }
      expect(explained).toBeGreaterThan(name === 'bookings' ? 22_731 - 1 : 60)
    })
  })

  it(`gives a resource at 1,000 random positions as a plain fold does (seed ${seed})`, async () => {
    const random = randomFrom(seed)
    await withLog(name, async (source) => {
      const { partitionCount } = source.log
      const positions = await Promise.all(
        Array.from({ length: 1_000 }, async () => {
          const partition = Math.floor(random() * partitionCount)
          const { end } = await source.log.offsets('events', partition)
          return { partition, logOffset: Math.floor(random() * (end + 1)) }
        }),
      )
      for (let partition = 0; partition < partitionCount; partition++) {
        const state = beginningOf(source, partition)
        const here = positions.filter((each) => each.partition === partition).sort((a, b) => a.logOffset - b.logOffset)
        const events = await allEvents(source, partition)
        let applied = 0
        for (const position of here) {
          for (; applied < events.length && events[applied]!.logOffset < position.logOffset; applied++)
            evolve(state, events[applied]!.event)
          const keys = [...state.resources()].map(([key]) => key.split('\u0000') as [string, string])
          const [scope, resource] = keys.length === 0 ? ['nowhere', 'night/none'] : keys[Math.floor(random() * keys.length)]!
          const expected = presentResource(scope, resource, state.resourceIn(scope, resource))
          expect(await resourceAt(source, scope, resource, position)).toEqual(expected)
        }
        const { end } = await source.log.offsets('events', partition)
        expect((await resourceAt(source, 'nowhere', 'night/never', { partition, logOffset: end })).exists).toBe(false)
      }
    })
  }, 180_000)

  it('steps forwards and back to the same states', { timeout: 240_000 }, async () => {
    const random = randomFrom(seed + 1)
    await withLog(name, async (source) => {
      const session = await ReplaySession.open(source, 0)
      const events = await allEvents(source, 0)
      for (let move = 0; move < 60; move++) {
        const kind = random()
        if (kind < 0.4) for (let count = Math.floor(random() * 40); count > 0; count--) await session.next()
        else if (kind < 0.8) for (let count = Math.floor(random() * 40); count > 0; count--) await session.previous()
        else await session.to(Math.floor(random() * (session.end + 1)))
        const plain = beginningOf(source, 0)
        for (const { event } of events.slice(0, session.steps)) evolve(plain, event)
        expectSame(session.state, plain)
        expect(session.last?.event ?? null).toEqual(events[session.steps - 1]?.event ?? null)
      }
      await session.close()
    })
  })

  it.each(['isolated', 'chained'] as const)('flips nothing under the contracts as they are, %s', async (mode) => {
    const report = await withLog(name, (source, rules) => diffLog({ source, candidate: rules, mode }))
    expect(report).toMatchObject({ flipped: 0, changed: 0, flips: [], changes: [], rules: {}, notDecidedAgain: 0 })
    expect(report.decisions).toBeGreaterThan(60)
  })
})

/** What two states say of everything that one of them has. */
function expectSame(state: PartitionState, plain: PartitionState): void {
  expect([state.time, state.nextOffset]).toEqual([plain.time, plain.nextOffset])
  for (const [key, resource] of plain.resources()) expect(state.resource(key)).toEqual(resource)
  const pending = (of: PartitionState) => [...of.coordination.pending.all()].map(({ intentId }) => intentId).sort()
  expect(pending(state)).toEqual(pending(plain))
}

describe('another contract', () => {
  /** Nobody but one agency may hold a stay any more. */
  function without(agent: string): ContractSet {
    const changed = bookings.contracts.map((contract) => {
      if (contract.type !== 'stay') return contract
      const hold = (contract as Contract).actions.hold!
      const guard = (context: Parameters<NonNullable<typeof hold.guard>>[0]) =>
        context.agent === agent ? refuse('NOT_ANY_MORE') : hold.guard!(context)
      return { ...contract, version: 2, actions: { ...contract.actions, hold: { ...hold, guard } } } as Contract
    })
    return contractSet(changed)
  }

  it('flips exactly the planted decisions in isolation; chained, tells them from what follows', async () => {
    await withLog('bookings', async (source, rules) => {
      const agent = 'agency-9'
      const held = new Set<string>()
      for (let partition = 0; partition < source.log.partitionCount; partition++) {
        for await (const { event } of readEvents(source, partition)) {
          if (event.type !== 'IntentCommitted' || event.payload.agent !== agent) continue
          if (event.payload.changes.some(({ action }) => action === 'hold')) held.add(event.payload.intentId)
        }
      }
      expect(held.size).toBeGreaterThan(20)
      const candidate = { ...rules, contracts: preparedContracts(without(agent)) }
      const isolated = await diffLog({ source, candidate, mode: 'isolated' })
      const committed = isolated.flips.filter(({ recorded }) => recorded.outcome === 'committed')
      expect(new Set(committed.map(({ intentId }) => intentId))).toEqual(held)
      expect(committed.every(({ candidate: said }) => said.code === 'GUARD_REFUSED')).toBe(true)
      // What was full for it is refused for another reason now: the guard is asked before the invariant.
      const others = isolated.flips.filter(({ recorded }) => recorded.outcome !== 'committed')
      expect(
        others.every(
          ({ agent: who, candidate: said, recorded }) =>
            who === agent && said.code === 'GUARD_REFUSED' && recorded.code === 'INVARIANT_VIOLATED',
        ),
      ).toBe(true)
      expect(isolated.flipped).toBe(isolated.flips.length)

      const chained = await diffLog({ source, candidate, mode: 'chained' })
      const first = chained.flips.filter(({ kind }) => kind === 'first cause')
      expect(new Set(first.map(({ intentId }) => intentId))).toEqual(new Set(isolated.flips.map(({ intentId }) => intentId)))
      // A stay that was never held cannot be cancelled; a room that was not taken is free for the next.
      const knockOn = chained.flips.filter(({ kind }) => kind === 'knock-on')
      expect(knockOn.length).toBe(chained.knockOn)
      expect(knockOn.length).toBeGreaterThan(0)
      for (const { candidate: said, recorded } of knockOn) {
        const isFreed = recorded.code === 'INVARIANT_VIOLATED' && said.outcome === 'committed'
        const isNeverHeld = recorded.outcome === 'committed' && said.code === 'STATE_CONFLICT'
        const isHeldNow = recorded.code === 'STATE_CONFLICT' && said.outcome === 'committed'
        // And who got it so has it when yet another asks.
        const isTaken = recorded.outcome === 'committed' && said.code === 'INVARIANT_VIOLATED'
        expect(isFreed || isNeverHeld || isHeldNow || isTaken, JSON.stringify({ recorded, said })).toBe(true)
      }
    })
  })
})

describe('signalbox replay', () => {
  const stale = () => {
    const listed = signalbox(['intent', 'list', '--data-dir', 'refunds', '--code', 'STALE_VERSION', '--json'])
    return (JSON.parse(listed.stdout) as { intentId: string; scope: string; event: string }[])[0]!
  }

  it('runs by commands: to a moment, on to a reject, back, with what was then', () => {
    const { intentId, scope } = stale()
    const script = [
      'to start',
      'next reject STALE_VERSION',
      'where',
      'explain',
      'back',
      'where',
      `next intent ${intentId}`,
      'to end',
      'step',
      'quit',
    ].join('\n')
    const { code, stderr, stdout } = signalbox(['replay', 'run', '--data-dir', 'refunds', '--scope', scope, '--json'], script)
    expect(code, stderr).toBe(0)
    const said = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(said[0]).toMatchObject({ events: 0, last: null })
    expect(said[1]).toMatchObject({ event: { type: 'IntentRejected', payload: { intentId, code: 'STALE_VERSION' } } })
    expect(said[3]).toMatchObject({
      agrees: true,
      decision: { intentId },
      stoodOn: expect.arrayContaining([expect.objectContaining({ movedBy: expect.objectContaining({ agent: 'policy' }) })]),
    })
    expect(said[5]).toMatchObject({ events: (said[2]!.events as number) - 1 })
    expect(said[6]).toMatchObject({ event: { payload: { intentId } } })
    expect(said.at(-1)).toMatchObject({ end: true })
    const wrong = signalbox(['replay', 'run', '--data-dir', 'refunds', '--partition', '0', '--do', 'jump'])
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('jump is no command of a replay') })
  })

  it('shows a resource at a position and at a time, and what the pager needs of a reject', () => {
    const { intentId } = stale()
    const explained = signalbox(['intent', 'explain', intentId, '--data-dir', 'refunds'])
    expect(explained.stdout).toMatch(/ {2}read {6}refund\/\d+ at version \d+, now \d+: \w+ by \w+, \d+ ms earlier \(intent /)
    const { decision } = JSON.parse(signalbox(['intent', 'explain', intentId, '--data-dir', 'refunds', '--json']).stdout) as {
      decision: { scope: string; resource: string; actualVersion: number; position: string; movedBy: { time: number } }
    }
    const show = (at: string) =>
      signalbox(['resource', 'show', decision.scope, decision.resource, '--at', at, '--data-dir', 'refunds', '--json'])
    expect(JSON.parse(show(decision.position).stdout)).toMatchObject({ version: decision.actualVersion })
    expect(JSON.parse(show(new Date(decision.movedBy.time).toISOString()).stdout)).toMatchObject({ version: decision.actualVersion })
    expect(JSON.parse(show(new Date(decision.movedBy.time - 1).toISOString()).stdout)).toMatchObject({
      version: decision.actualVersion - 1,
    })
    expect(show('start')).toMatchObject({ code: 3, stderr: expect.stringContaining('had at start no resource') })
    expect(show('soon')).toMatchObject({ code: 2, stderr: expect.stringContaining('is no moment of a log') })
    const history = JSON.parse(
      signalbox(['resource', 'history', decision.scope, decision.resource, '--data-dir', 'refunds', '--json']).stdout,
    ) as { version: number }[]
    expect(history.map(({ version }) => version)).toEqual(history.map((_, index) => index + 1))
  })

  it('traces what caused what, as a tree, as JSON and as a chart', async () => {
    const home = JSON.parse(signalbox(['intent', 'list', '--data-dir', 'refunds', '--agent', 'process-manager', '--json']).stdout) as {
      intentId: string
    }[]
    const traced = signalbox(['trace', home.at(-1)!.intentId, '--data-dir', 'refunds', '--json'])
    const { agents, intents, scopes } = JSON.parse(traced.stdout) as {
      agents: string[]
      scopes: string[]
      intents: { intentId: string; causedBy: string | null }[]
    }
    expect(agents).toContain('process-manager')
    expect(scopes.length).toBeGreaterThan(1)
    const seen = new Set<string>()
    for (const { causedBy, intentId } of intents) {
      if (causedBy !== null) expect(seen.has(causedBy)).toBe(true)
      seen.add(intentId)
    }
    expect(signalbox(['trace', home.at(-1)!.intentId, '--data-dir', 'refunds', '--mermaid']).stdout).toMatch(/^flowchart TD\n {2}i0\["/)
    expect(signalbox(['trace', 'nothing', '--data-dir', 'refunds']).code).toBe(3)
  })
})

describe('an export', () => {
  const config = join(root, 'packages/examples/src/refunds/signalbox.config.ts')

  it('is a log that every command reads: the same decisions, explained and audited, on another machine', () => {
    expect(signalbox(['replay', 'export', 'all.jsonl.gz', '--data-dir', 'refunds']).code).toBe(0)
    const here = signalbox(['intent', 'list', '--data-dir', 'refunds', '--json', '--limit', '1000'])
    const there = signalbox(['intent', 'list', '--file', 'all.jsonl.gz', '--json', '--limit', '1000'])
    expect(JSON.parse(there.stdout)).toEqual(JSON.parse(here.stdout))
    expect(signalbox(['replay', 'import', 'all.jsonl.gz', '--data-dir', 'imported', '--config', config]).code).toBe(0)
    const audited = signalbox(['audit', '--data-dir', 'imported', '--json'])
    expect(JSON.parse(audited.stdout), audited.stderr).toMatchObject({ clean: true, not_decided_again: 0 })
    expect(signalbox(['replay', 'diff', '--chained', '--data-dir', 'imported'])).toMatchObject({ code: 0 })
    expect(signalbox(['replay', 'import', 'all.jsonl.gz', '--data-dir', 'imported'])).toMatchObject({ code: 2 })
  })

  it('of a scope, or of a window, is decided again as it was, from the state that it begins with', () => {
    const { intentId, scope } = JSON.parse(
      signalbox(['intent', 'list', '--data-dir', 'refunds', '--code', 'STALE_VERSION', '--json']).stdout,
    )[0] as { intentId: string; scope: string }
    expect(signalbox(['replay', 'export', 'scope.jsonl', '--scope', scope, '--data-dir', 'refunds']).code).toBe(0)
    const again = signalbox(['replay', 'diff', '--chained', '--file', 'scope.jsonl', '--config', config, '--json'])
    expect(again.code, again.stdout).toBe(0)
    expect(JSON.parse(again.stdout)).toMatchObject({ flipped: 0, changed: 0 })
    const { decision } = JSON.parse(signalbox(['intent', 'explain', intentId, '--data-dir', 'refunds', '--json']).stdout) as {
      decision: { position: string }
    }
    const [partition, offset] = decision.position.split(':').map(Number) as [number, number]
    const window = ['--from', `${partition}:${offset - 4}`, '--to', `${partition}:${offset}`]
    expect(signalbox(['replay', 'export', 'window.jsonl', '--scope', scope, ...window, '--data-dir', 'refunds']).code).toBe(0)
    const explained = signalbox(['intent', 'explain', intentId, '--file', 'window.jsonl', '--config', config, '--json'])
    expect(JSON.parse(explained.stdout), explained.stderr).toMatchObject({ agrees: true, decision: { code: 'STALE_VERSION' } })
    expect(readFileSync(join(directory, 'window.jsonl'), 'utf8').split('\n').length).toBeLessThan(60)
  })

  it('can have the values of fields taken out, and says so; the same text stays the same', async () => {
    const redact = ['--redact', 'order', '--redact', 'note', '--redact', 'cents']
    expect(signalbox(['replay', 'export', 'bare.jsonl', ...redact, '--data-dir', 'refunds']).code).toBe(0)
    const plain = readFileSync(join(directory, 'bare.jsonl'), 'utf8')
    expect(plain).toContain('"redacted":["order","note","cents"]')
    expect(plain).toMatch(/\\"order\\":\\"redacted-[\w-]{12}\\"/)
    expect(plain).not.toMatch(/\\"order\\":\\"(?!redacted-)/)
    const { header } = await openExport(join(directory, 'bare.jsonl'))
    expect(header.redacted).toEqual(['order', 'note', 'cents'])
  })

  it('that was changed or cut off is refused', () => {
    const text = gunzipSync(readFileSync(join(directory, 'all.jsonl.gz'))).toString()
    const refused: readonly (readonly [string, string, RegExp])[] = [
      ['changed', text.replace('STALE_VERSION', 'STALE_VERSIOM'), /its digest does not fit/],
      ['cut', text.slice(0, text.length / 2).replace(/\n[^\n]*$/, '\n'), /is cut off/],
      ['torn', text.slice(0, text.length / 2), /holds a line that is no JSON|is cut off/],
      ['other', '{"format":"something"}\n', /does not begin as an export does/],
      ['longer', `${text}{"partition":0}\n`, /goes on behind its end/],
    ]
    for (const [name, content, problem] of refused) {
      writeFileSync(join(directory, `${name}.jsonl.gz`), gzipSync(content))
      const { code, stderr } = signalbox(['intent', 'list', '--file', `${name}.jsonl.gz`])
      expect({ name, code }).toEqual({ name, code: 2 })
      expect(stderr).toMatch(problem)
    }
    expect(signalbox(['intent', 'list', '--file', 'missing.jsonl']).code).toBe(2)
  })

  it('becomes a test that pins its decisions, and fails once a contract decides otherwise', () => {
    // Beside the packages that it imports, as in a project of one's own.
    const folder = mkdtempSync(join(root, 'test/pinned-'))
    try {
      const file = join(folder, 'refund.jsonl')
      const { intentId, scope } = stale()
      expect(signalbox(['replay', 'export', file, '--scope', scope, '--data-dir', 'refunds']).code).toBe(0)
      const copied = join(folder, 'signalbox.config.ts')
      const text = readFileSync(config, 'utf8').replace("'./contracts.ts'", `'${join(root, 'packages/examples/src/refunds/contracts.ts')}'`)
      writeFileSync(copied, text)
      const wrote = signalbox(['replay', 'test', file, '--config', copied, '--out', join(folder, 'refund.test.ts')])
      expect(wrote.code, wrote.stderr).toBe(0)
      expect(readFileSync(join(folder, 'refund.test.ts'), 'utf8')).toContain(`it('${intentId} is rejected STALE_VERSION'`)
      expect(runTest(folder).status).toBe(0)
      writeFileSync(copied, text.replace("agents: ['intake',", "agents: ['nobody',"))
      const failing = runTest(folder)
      expect(failing.status).toBe(1)
      expect(failing.stdout + failing.stderr).toContain('AGENT_UNKNOWN')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  const stale = () =>
    (
      JSON.parse(signalbox(['intent', 'list', '--data-dir', 'refunds', '--code', 'STALE_VERSION', '--json']).stdout) as {
        intentId: string
        scope: string
      }[]
    )[0]!

  function runTest(folder: string) {
    const configFile = join(folder, 'vitest.config.mjs')
    writeFileSync(configFile, 'export default {}\n')
    return spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, '--config', configFile], {
      encoding: 'utf8',
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
    })
  }
})
