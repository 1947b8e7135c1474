import { type Assignment, isLogError, type LogRecord, type RecordToAppend } from '@signalbox/log'
import { createMemoryLog, type FaultDecision, type FaultOperation, type MemoryLogOptions, MemoryLogStore } from '@signalbox/log-memory'
import { describe, expect, it } from 'vitest'
import { settle, VirtualClock } from './virtual-clock.ts'

const BOUNDS = { maxRecords: 100, maxBytes: 1_000_000, waitMs: 0 }

function record(text: string): RecordToAppend {
  return { key: 'scope', value: new TextEncoder().encode(text), headers: {} }
}

function events(...texts: string[]) {
  return { events: texts.map(record), deadLetters: [] }
}

function order(generation: number): Assignment {
  return { partition: 0, generation, signal: new AbortController().signal }
}

function texts(store: MemoryLogStore, topic: 'intents' | 'events'): readonly string[] {
  return store
    .topic(topic, 0)
    .read(0, BOUNDS)
    .map(({ value }: LogRecord) => new TextDecoder().decode(value!))
}

/** The outcome of a promise so far. */
async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  let outcome = 'pending'
  promise.then(
    () => {
      outcome = 'resolved'
    },
    (error) => {
      outcome = isLogError(error) ? error.code : String(error)
    },
  )
  await settle()
  return outcome
}

/** A handle on which the named operation meets the fault, once. */
function faultyLog(operation: FaultOperation, decision: FaultDecision, options: MemoryLogOptions = {}) {
  const store = new MemoryLogStore()
  const clock = new VirtualClock()
  let met = false
  const log = createMemoryLog({
    store,
    clock,
    fault: (call) => {
      if (met || call.operation !== operation) return undefined
      met = true
      return decision
    },
    ...options,
  })
  return { store, clock, log }
}

describe('faults of an append', () => {
  it('fails before it takes effect', async () => {
    const { log, store } = faultyLog('append', { outcome: 'fail-before', code: 'FULL' })
    expect(await outcomeOf(log.append(0, record('a')))).toBe('FULL')
    expect(texts(store, 'intents')).toEqual([])
  })

  it('loses the answer after it took effect', async () => {
    const { log, store } = faultyLog('append', { outcome: 'fail-after' })
    expect(await outcomeOf(log.append(0, record('a')))).toBe('OUTCOME_UNKNOWN')
    expect(texts(store, 'intents')).toEqual(['a'])
  })

  it('is written twice', async () => {
    const { log, store } = faultyLog('append', { duplicate: true })
    expect(await log.append(0, record('a'))).toMatchObject({ offset: 0 })
    expect(texts(store, 'intents')).toEqual(['a', 'a'])
  })

  it('takes its time by the clock, before and after, and keeps the time at which it took effect', async () => {
    const { log, store, clock } = faultyLog('append', { delayBeforeMs: 100, delayAfterMs: 100 })
    const appended = log.append(0, record('a'))
    await clock.advance(99)
    expect(texts(store, 'intents')).toEqual([])
    await clock.advance(1)
    expect(texts(store, 'intents')).toEqual(['a'])
    expect(await outcomeOf(appended)).toBe('pending')
    await clock.advance(100)
    expect(await appended).toEqual({ partition: 0, offset: 0, timestampMs: 1_000_100 })
    await clock.advance(-500)
    expect((await log.append(0, record('b'))).timestampMs).toBe(999_700)
  })

  it.each([
    ['crash-before', []],
    ['crash-after', ['a']],
  ] as const)('never answers after %s, and neither does anything else of that process', async (outcome, visible) => {
    let crashes = 0
    const { log, store } = faultyLog('append', { outcome }, { onCrash: () => crashes++ })
    const cursor = await log.cursor({ topic: 'events', partition: 0, fromOffset: 0 })
    const waiting = cursor.next({ ...BOUNDS, waitMs: 1_000 })
    expect(await outcomeOf(log.append(0, record('a')))).toBe('pending')
    expect(await outcomeOf(waiting)).toBe('pending')
    expect(await outcomeOf(log.append(0, record('b')))).toBe('pending')
    expect(crashes).toBe(1)
    expect(texts(store, 'intents')).toEqual(visible)
    const next = createMemoryLog({ store })
    await next.append(0, record('c'))
    expect(texts(store, 'intents')).toEqual([...visible, 'c'])
  })

  it.each([
    ['hang-before', []],
    ['hang-after', ['a']],
  ] as const)('answers after %s only when the handle is closed', async (outcome, visible) => {
    const { log, store } = faultyLog('append', { outcome })
    const appended = log.append(0, record('a'))
    expect(await outcomeOf(appended)).toBe('pending')
    await log.close()
    expect(await outcomeOf(appended)).toBe('CLOSED')
    expect(texts(store, 'intents')).toEqual(visible)
  })
})

describe('faults of a batch', () => {
  it.each([
    ['fail-before', 'TRANSIENT', ['first']],
    ['fail-after', 'OUTCOME_UNKNOWN', ['first', 'second']],
  ] as const)('%s ends the writer: nothing that was appended later is written', async (outcome, code, visible) => {
    let appends = 0
    const { log, store } = faultyLog(
      'open',
      {},
      { fault: ({ operation }) => (operation === 'writer.append' && appends++ === 1 ? { outcome } : undefined) },
    )
    const writer = await log.open(order(1))
    const answers = ['first', 'second', 'third', 'fourth'].map((text) => writer.append(events(text)))
    expect(await Promise.all(answers.map(outcomeOf))).toEqual(['resolved', code, 'TRANSIENT', 'TRANSIENT'])
    expect(texts(store, 'events')).toEqual(visible)
  })

  it('of a zombie is refused, however long it was on its way', async () => {
    const { log: zombie, store, clock } = faultyLog('writer.append', { delayBeforeMs: 60_000 })
    const writer = await zombie.open(order(1))
    const late = writer.append(events('from the zombie'))
    const owner = await createMemoryLog({ store, clock }).open(order(2))
    await owner.append(events('from the owner'))
    await clock.advance(60_000)
    expect(await outcomeOf(late)).toBe('FENCED')
    expect(await outcomeOf(writer.append(events('again')))).toBe('FENCED')
    expect(await outcomeOf(zombie.open(order(1)))).toBe('FENCED')
    expect(texts(store, 'events')).toEqual(['from the owner'])
  })

  it('that hangs is OUTCOME_UNKNOWN or not written once the writer has closed, which is bounded by the clock', async () => {
    const { log, store, clock } = faultyLog('writer.append', { outcome: 'hang-after' }, { closeTimeoutMs: 700 })
    const writer = await log.open(order(1))
    const hanging = writer.append(events('a'))
    const closed = writer.close()
    await clock.advance(699)
    expect(await outcomeOf(closed)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(closed)).toBe('resolved')
    expect(await outcomeOf(hanging)).toBe('OUTCOME_UNKNOWN')
    expect(texts(store, 'events')).toEqual(['a'])
  })
})

describe('cursors on a virtual clock', () => {
  it('wait by the clock alone', async () => {
    const { log, clock } = faultyLog('open', {})
    const cursor = await log.cursor({ topic: 'intents', partition: 0, fromOffset: 0 })
    const waiting = cursor.next({ ...BOUNDS, waitMs: 3_600_000 })
    await clock.advance(3_599_999)
    expect(await outcomeOf(waiting)).toBe('pending')
    await clock.advance(1)
    expect(await waiting).toEqual([])
  })

  it('deliver the records of a lost answer again', async () => {
    const { log } = faultyLog('cursor.next', { outcome: 'fail-after', code: 'TRANSIENT' })
    await log.append(0, record('a'))
    const cursor = await log.cursor({ topic: 'intents', partition: 0, fromOffset: 0 })
    expect(await outcomeOf(cursor.next(BOUNDS))).toBe('TRANSIENT')
    expect(await cursor.next(BOUNDS)).toHaveLength(1)
  })
})

describe('members', () => {
  it('lose their partitions to others when they crash, and a zombie is not told', async () => {
    const store = new MemoryLogStore({ partitionCount: 1 })
    const clock = new VirtualClock()
    const heard: string[] = []
    const listener = (name: string) => ({
      assigned: ({ generation, signal }: Assignment) => {
        heard.push(`${name} ${generation}`)
        signal.addEventListener('abort', () => heard.push(`${name} aborted`))
      },
      revoked: async () => void heard.push(`${name} revoked`),
      lost: () => void heard.push(`${name} lost`),
    })
    const [zombie, crashing, last] = ['zombie', 'crashing', 'last'].map((process) => createMemoryLog({ store, clock, process }))
    await zombie!.join(listener('zombie'))
    await crashing!.join(listener('crashing'))
    await last!.join(listener('last'))
    await settle()
    zombie!.expireSession()
    await settle()
    crashing!.crash()
    await settle()
    expect(heard).toEqual(['zombie 1', 'crashing 2', 'last 3'])
    await last!.close()
    expect(heard.slice(3)).toEqual(['last revoked', 'last aborted'])
  })

  it('are waited for while they let go, as long as the clock allows', async () => {
    const store = new MemoryLogStore()
    const clock = new VirtualClock()
    const log = createMemoryLog({ store, clock, revokeTimeoutMs: 300 })
    const membership = await log.join({ assigned: () => undefined, revoked: () => new Promise(() => undefined), lost: () => undefined })
    const left = membership.leave()
    await clock.advance(299)
    expect(await outcomeOf(left)).toBe('pending')
    await clock.advance(1)
    expect(await outcomeOf(left)).toBe('resolved')
  })
})
