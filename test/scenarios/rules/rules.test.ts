/**
 * Every rule of coordination as a scenario with golden text: the same script, byte for byte the same events, on the memory
 * log, on SQLite and on Kafka. `UPDATE_GOLDEN=1 npm test -- test/scenarios` writes the golden files anew.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Event, isRejectCode } from '@signalbox/contract'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { createMemoryLog } from '@signalbox/log-memory'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { play } from './play.ts'
import { parseScript } from './script.ts'

const scripts = readdirSync(join(import.meta.dirname, 'scripts'))
  .filter((name) => name.endsWith('.txt'))
  .map((name) => name.slice(0, -'.txt'.length))
  .sort()

function script(name: string) {
  return parseScript(readFileSync(join(import.meta.dirname, 'scripts', `${name}.txt`), 'utf8'))
}

/** The golden text; with UPDATE_GOLDEN=1, what was played on the memory log becomes it. */
function golden(name: string, text?: string): string {
  const file = join(import.meta.dirname, 'golden', `${name}.txt`)
  if (process.env.UPDATE_GOLDEN === '1' && text !== undefined) writeFileSync(file, text)
  return readFileSync(file, 'utf8')
}

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

const seen: Event[] = []

describe.each(scripts)('%s', (name) => {
  it('on memory', async () => {
    const { events, text } = await play(script(name), createMemoryLog())
    seen.push(...events)
    expect(text).toBe(golden(name, text))
  })

  it('on sqlite', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-scenario-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    expect((await play(script(name), await openSqliteLog({ directory }))).text).toBe(golden(name))
  })

  it('on kafka', async () => {
    const brokers = process.env.KAFKA_BROKERS!
    const topicPrefix = `scenario-${name}-${process.pid}-${Date.now()}`
    await createTopics({ brokers, topicPrefix, partitions: 1 })
    expect((await play(script(name), await openKafkaLog({ brokers, topicPrefix }))).text).toBe(golden(name))
  })
})

it('the scenarios are about every rule, and every code that coordination can give', () => {
  const rules = new Set(seen.flatMap((event) => (event.type === 'RuleApplied' ? [event.payload.rule] : [])))
  expect([...rules].sort()).toEqual(['breaker', 'contradiction', 'drift', 'escalation', 'other', 'timer', 'verdict'])
  const codes = new Set(
    seen.flatMap((event) => ('code' in event.payload && event.payload.code !== null ? [event.payload.code] : [])).filter(isRejectCode),
  )
  expect([...codes]).toEqual(
    expect.arrayContaining([
      'AGENT_QUARANTINED',
      'BEHIND_WAITERS',
      'BREAKER_OPEN',
      'BUDGET_EXCEEDED',
      'CHAIN_TOO_DEEP',
      'CORRELATION_EXHAUSTED',
      'DEADLINE_PASSED',
      'ESCALATION_AMENDED',
      'ESCALATION_DENIED',
      'ESCALATION_EXPIRED',
      'FACT_OUTDATED',
      'RESERVATION_EXPIRED',
      'RESERVATION_UNKNOWN',
      'RESERVED',
      'STALE_READ',
      'STALE_VERSION',
      'VERDICT_REFUSED',
      'WAIT_QUEUE_FULL',
      'WITHDRAWN',
    ]),
  )
})
