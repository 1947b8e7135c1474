/**
 * Makes the log of the incident that docs/incident.md walks through, always the same: two intake agents take the same complaint
 * in, by mail and by telephone, and an hour lies between the two approvals.
 */

import { createCodec } from '@signalbox/codec'
import { bareIntent, canonicalize, contractSet, defaultLimits, type Intent, type JsonObject, makeUuidV7 } from '@signalbox/contract'
import { createMemoryLog } from '@signalbox/log-memory'
import { exportLog } from '@signalbox/replay'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { order, refund } from '../../../packages/examples/src/incident/contracts.ts'

const startMs = Date.UTC(2026, 10, 26, 9)
const minute = 60_000

interface Step {
  readonly atMs: number
  readonly agent: string
  readonly do: readonly (readonly [action: string, resource: string, input?: JsonObject])[]
  readonly expects?: number
  readonly reads?: readonly string[]
  readonly causedBy?: number
  readonly correlation?: string
  readonly note?: string
}

/** `causedBy` counts the steps from 0. */
const steps: readonly Step[] = [
  { atMs: 0, agent: 'shop', do: [['deliver', 'order/7', { paidCents: 6_000 }]] },
  {
    atMs: 10 * minute,
    agent: 'intake-mail',
    do: [['request', 'refund/7-1', { order: '7', cents: 4_200 }]],
    correlation: 'complaint-118',
    note: 'the lamp came broken',
  },
  {
    atMs: 11 * minute,
    agent: 'policy',
    do: [['approve', 'refund/7-1']],
    expects: 1,
    reads: ['order/7@1'],
    causedBy: 1,
    correlation: 'complaint-118',
  },
  {
    atMs: 12 * minute,
    agent: 'refunder',
    do: [
      ['pay', 'refund/7-1'],
      ['charge', 'order/7', { cents: 4_200 }],
    ],
    expects: 2,
    causedBy: 2,
    correlation: 'complaint-118',
  },
  {
    atMs: 71 * minute,
    agent: 'intake-phone',
    do: [['request', 'refund/7-2', { order: '7', cents: 4_200 }]],
    correlation: 'call-9',
    note: 'calls about a lamp',
  },
  // It had looked at the order before the first refund was paid, and is told so; then it looks again.
  {
    atMs: 72 * minute,
    agent: 'policy',
    do: [['approve', 'refund/7-2']],
    expects: 1,
    reads: ['order/7@1'],
    causedBy: 4,
    correlation: 'call-9',
  },
  {
    atMs: 73 * minute,
    agent: 'policy',
    do: [['approve', 'refund/7-2']],
    expects: 1,
    reads: ['order/7@2'],
    causedBy: 4,
    correlation: 'call-9',
  },
  {
    atMs: 74 * minute,
    agent: 'refunder',
    do: [
      ['pay', 'refund/7-2'],
      ['charge', 'order/7', { cents: 4_200 }],
    ],
    expects: 2,
    causedBy: 6,
    correlation: 'call-9',
  },
]

function idOf(step: number): string {
  const bits = new Uint8Array(10)
  new DataView(bits.buffer).setUint32(6, step + 1)
  return makeUuidV7(startMs + steps[step]!.atMs, bits)
}

function intentOf(step: Step, number: number): Intent {
  const actions = step.do.map(([action, resource, input = {}]) => ({
    resource,
    action,
    input: canonicalize(input),
    // What commutes needs no version.
    expectedVersion: step.expects !== undefined && action !== 'charge' ? step.expects : null,
  }))
  const reads = (step.reads ?? []).map((read) => ({
    resource: read.slice(0, read.lastIndexOf('@')),
    version: Number(read.slice(read.lastIndexOf('@') + 1)),
  }))
  const intent = bareIntent({ intentId: idOf(number), scope: 'customer-42', agent: step.agent, actions })
  return {
    ...intent,
    reads,
    correlationId: step.correlation ?? intent.intentId,
    causationId: step.causedBy === undefined ? null : idOf(step.causedBy),
    note: step.note ?? null,
  }
}

/** Writes the export to a file. */
export async function makeIncident(file: string): Promise<void> {
  let nowMs = startMs
  const sleep = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          resolve()
        },
        { once: true },
      )
    })
  const log = createMemoryLog({ clock: { nowMs: () => nowMs, sleep } })
  const codec = createCodec({ limits: defaultLimits })
  const signalbox = await startSignalbox({ log, contracts: contractSet([order, refund]), logger: pino({ level: 'silent' }) })
  try {
    for (const [number, step] of steps.entries()) {
      nowMs = startMs + step.atMs
      await signalbox.gateway.desk.submit(intentOf(step, number), { waitMs: 10_000, headers: {} })
    }
    const source = { log, codec, limits: defaultLimits }
    await exportLog(source, file, { scopes: ['customer-42'], correlation: null, from: null, to: null, redact: [] })
  } finally {
    await signalbox.stop()
  }
}
