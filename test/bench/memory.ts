/**
 * A process of its own for `signalbox bench core`: the memory of a million remembered ids, then that of a million resources
 * with 200 bytes of data. Run with --expose-gc. Prints one JSON line.
 */
import { createCodec } from '@signalbox/codec'
import { defaultLimits, type Event } from '@signalbox/contract'
import { evolve, PartitionState } from '@signalbox/core'
import { makeIntent, rules, timeOf } from '../support/workload.ts'

const count = 1_000_000
const resourcesPerScope = 100
const dataBytes = 200

export interface MemoryFigures {
  readonly remembered_ids: number
  readonly bytes_per_remembered_id: number
  readonly resources: number
  readonly resource_data_bytes: number
  /** Without the ids of the intents that made them. */
  readonly bytes_per_resource: number
  /** Of the process that holds the resources and the ids of the intents that made them: at the end, and at its highest. */
  readonly resources_rss_bytes: number
  readonly resources_peak_rss_bytes: number
}

/** Heap and buffers in use. */
function usedBytes(): number {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('run this with --expose-gc')
  gc()
  gc()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

/** Fills a state with events that came through the codec, and gives the bytes that it takes. */
function fill(makeEvent: (number: number) => Event): { readonly bytes: number; readonly state: PartitionState } {
  const codec = createCodec({ limits: defaultLimits })
  const state = new PartitionState(0, defaultLimits)
  const before = usedBytes()
  for (let number = 0; number < count; number++) evolve(state, codec.decodeEvent(codec.encodeEvent(makeEvent(number))))
  return { bytes: usedBytes() - before, state }
}

function baseOf(number: number, scope: string) {
  return { partition: 0, offset: number, index: 0, time: timeOf(number), scope }
}

function duplicateFree(number: number): { readonly intentId: string; readonly digest: string; readonly agent: string } {
  const agent = `agent-${number % 64}`
  const { intentId } = makeIntent(number, { scope: 'scope', agent, action: 'open', input: {} })
  return { intentId, agent, digest: rules.sha256(intentId) }
}

function rejection(number: number): Event {
  const nothing = {
    owner: null,
    resource: null,
    expectedVersion: null,
    actualVersion: null,
    movedBy: null,
    retryAfterMs: null,
    details: null,
    settles: null,
  }
  const payload = { ...duplicateFree(number), intent: '{}', code: 'STALE_READ', message: 'stale', missed: [], ...nothing }
  return { ...baseOf(number, 'scope'), type: 'IntentRejected', payload }
}

function creation(number: number): Event {
  const data = JSON.stringify({ note: '' })
  const resource = `counter/${number}`
  const change = {
    resource,
    action: 'open',
    contractVersion: 1,
    fromVersion: 0,
    version: 1,
    fromState: null,
    timer: null,
    fields: null,
    state: 'open',
    data: JSON.stringify({ note: `${number}`.padStart(dataBytes - data.length, '.') }),
  }
  const payload = { ...duplicateFree(number), intent: '{}', changes: [change], settles: null, verdict: null, amount: null }
  return { ...baseOf(number, `scope-${Math.floor(number / resourcesPerScope)}`), type: 'IntentCommitted', payload }
}

const ids = fill(rejection)
const bytesPerId = ids.bytes / ids.state.size.ids
const resources = fill(creation)
const figures: MemoryFigures = {
  remembered_ids: ids.state.size.ids,
  bytes_per_remembered_id: Math.round(bytesPerId * 10) / 10,
  resources: resources.state.size.resources,
  resource_data_bytes: dataBytes,
  bytes_per_resource: Math.round(resources.bytes / resources.state.size.resources - bytesPerId),
  resources_rss_bytes: process.memoryUsage().rss,
  resources_peak_rss_bytes: process.resourceUsage().maxRSS * 1_024,
}
process.stdout.write(`${JSON.stringify(figures)}\n`)
