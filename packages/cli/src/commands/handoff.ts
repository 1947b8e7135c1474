/** `signalbox handoff compile | part | omissions | check`: packets, compiled from the log and held against it. */
import { readFileSync } from 'node:fs'
import { sha256 } from '@signalbox/codec'
import { type ContractSet, noContracts, partitionOf } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import { parseJson, replaceFile } from '@signalbox/files'
import {
  CandidateCollector,
  type Compilation,
  compilePacket,
  defaultTokenizer,
  loadTokenizer,
  type Packet,
  PacketError,
  partJson,
  partReference,
  readback,
  staleReferences,
  type TokenizerName,
} from '@signalbox/handoff'
import { currentState, type Source } from '@signalbox/partition-state'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { withSource } from '../logs.ts'
import { wholeNumber } from '../numbers.ts'
import { printMany, printOne, say, table } from '../output.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { humanOf } from '../user.ts'
import { required } from './gateway.ts'

export interface PacketFlags {
  readonly scope?: string
  readonly purpose?: string
  readonly from?: string
  readonly to?: string
  readonly about?: readonly string[]
  readonly require?: readonly string[]
  readonly correlation?: string
  readonly at?: string
  readonly tokens?: string
  readonly bytes?: string
  readonly tokenizer?: string
  readonly packet?: string
}

interface Asked {
  readonly scope: string
  readonly purpose: string
  readonly from: string
  readonly to: string | null
  readonly about: readonly string[]
  readonly require: readonly string[]
  readonly correlationId: string | null
  /** `partition:offset`; null: as it is now. */
  readonly at: string | null
  readonly budget: { readonly tokens: number; readonly bytes: number }
  readonly tokenizer: string
}

/** Compiles a packet at a position and prints the text that its receiver reads; `--packet` keeps the packet itself in a file. */
export async function compile(settings: Settings, flags: PacketFlags): Promise<number> {
  const asked: Asked = {
    scope: required('--scope', flags.scope, 'where the work is'),
    purpose: required('--purpose', flags.purpose, 'what is to be done'),
    from: flags.from ?? humanOf(undefined),
    to: flags.to ?? null,
    about: flags.about ?? [],
    require: flags.require ?? [],
    correlationId: flags.correlation ?? null,
    at: flags.at ?? null,
    budget: {
      tokens: wholeNumber('--tokens', flags.tokens ?? '4000', { least: 1 }),
      bytes: wholeNumber('--bytes', flags.bytes ?? '32768', { least: 1 }),
    },
    tokenizer: flags.tokenizer ?? defaultTokenizer,
  }
  const contracts = settings.config === null ? noContracts : contractsOf(settings)
  const { packet, text } = await asUsage(() => withSource(settings, (source) => compileFrom(source, contracts, asked)))
  if (flags.packet !== undefined) replaceFile(flags.packet, `${JSON.stringify(packet, null, 2)}\n`)
  printOne(settings.output, packet, () => text.trimEnd())
  say(
    `${packet.totals.parts} parts, ${packet.totals.tokens} tokens, ${packet.totals.bytes} bytes as of ${packet.position}; ${packet.totals.omitted} left out; digest ${packet.digest}`,
  )
  return exitCodes.ok
}

async function compileFrom(source: Source, contracts: ContractSet, asked: Asked): Promise<Compilation> {
  const { collector, position } = await collect(source, asked.scope, asked.at)
  const { candidates, notOffered } = collector.collect(asked.about)
  if (notOffered > 0) say(`${notOffered} older parts of the scope were not offered: more than a packet is compiled from`)
  const input = {
    scope: asked.scope,
    position,
    time: collector.time,
    task: { purpose: asked.purpose, from: asked.from, to: asked.to, correlationId: asked.correlationId, resources: asked.about },
    candidates,
    required: [...new Set([...collector.required(contracts, asked.about), ...asked.require])],
    budget: asked.budget,
    fetch: {
      part: `signalbox handoff part {reference} --at ${position} --scope ${JSON.stringify(asked.scope)}`,
      rest: 'signalbox handoff omissions PACKET',
    },
  }
  return compilePacket(input, { tokenizer: await loadTokenizer(asked.tokenizer as TokenizerName), sha256 })
}

/** What a scope looked like at a position; at its end where none is given. */
async function collect(source: Source, scope: string, at: string | null): Promise<{ collector: CandidateCollector; position: string }> {
  const partition = partitionOf(scope, source.log.partitionCount)
  const { end } = await source.log.offsets('events', partition)
  const until = at === null ? end : offsetOf(at, partition, scope, end)
  const collector = new CandidateCollector(scope)
  for await (const { event, logOffset } of readEvents(source, partition)) {
    if (logOffset >= until) break
    collector.take(event)
  }
  return { collector, position: `${partition}:${until}` }
}

function offsetOf(at: string, partition: number, scope: string, end: number): number {
  const match = /^(\d+):(\d+)$/.exec(at)
  if (match === null) throw new CommandError('usage', `--at takes a position as partition:offset, not ${at}`)
  const [, named, offset] = match.map(Number) as [number, number, number]
  if (named !== partition) throw new CommandError('usage', `scope ${scope} lies on partition ${partition}, and ${at} is of another`)
  if (offset > end) throw new CommandError('notFound', `the log of partition ${partition} reaches to ${end}, and ${at} lies behind it`)
  return offset
}

/** One part, whole, by its reference: also what a packet left out. */
export async function part(settings: Settings, reference: string, flags: PacketFlags): Promise<number> {
  const scope = required('--scope', flags.scope, 'where it is')
  const found = await withSource(settings, async (source) => (await collect(source, scope, flags.at ?? null)).collector.part(reference))
  if (found === null)
    throw new CommandError(
      'notFound',
      `scope ${scope} has no part ${reference}${flags.at === undefined ? '' : ` at ${flags.at}`}; references look like resource:TYPE/ID, decision:P/O/I, reservation:TYPE/ID, effect:ID`,
    )
  const content = JSON.parse(partJson(found)) as unknown
  printOne(settings.output, { reference: partReference(found), content }, () => JSON.stringify(content, null, 2))
  return exitCodes.ok
}

/** Everything that a packet left out and why, by compiling it again: the same position, task and budget give the same packet. */
export async function omissions(settings: Settings, file: string): Promise<number> {
  const packet = readPacket(file)
  const { omissions: all, packet: again } = await asUsage(() =>
    withSource(settings, (source) =>
      compileFrom(source, noContracts, {
        scope: packet.scope,
        purpose: packet.task.purpose,
        from: packet.task.from,
        to: packet.task.to,
        about: packet.task.resources,
        require: packet.parts.filter(({ reason }) => reason === 'REQUIRED').map(({ reference }) => reference),
        correlationId: packet.task.correlationId,
        at: packet.position,
        budget: packet.budget,
        tokenizer: packet.tokenizer,
      }),
    ),
  )
  if (again.digest !== packet.digest)
    throw new CommandError(
      'notFound',
      `compiled again at ${packet.position}, the packet is another (${again.digest}): it was not made by signalbox handoff compile on this log`,
    )
  await printMany(settings.output, all, ({ bytes, fetch, reason, reference, tokens }) =>
    table([[reason, reference, `${tokens} tokens`, `${bytes} bytes`, fetch]]),
  )
  return exitCodes.ok
}

/** Whether a packet is what its digest says, and what has moved since. Exit code 8 where something has. */
export async function check(settings: Settings, file: string): Promise<number> {
  const packet = readPacket(file)
  const digest = await asUsage(async () => readback(packet, sha256))
  const moved = await asUsage(() =>
    withSource(settings, async (source) => {
      const state = await currentState(source, partitionOf(packet.scope, source.log.partitionCount))
      return staleReferences(packet, (resource) => state.resourceIn(packet.scope, resource)?.version ?? 0)
    }),
  )
  printOne(settings.output, { digest, position: packet.position, moved }, (shown) =>
    moved.length === 0
      ? `the packet as of ${shown.position} is whole, and nothing of it has moved; its digest is ${digest}`
      : `since ${shown.position} has moved: ${shown.moved.map(({ from, resource, to }) => `${resource} ${from} -> ${to}`).join(', ')}; compile it again`,
  )
  return moved.length === 0 ? exitCodes.ok : exitCodes.differs
}

export function readPacket(file: string): Packet {
  try {
    return parseJson(readFileSync(file, 'utf8')) as Packet
  } catch (cause) {
    throw new CommandError(
      'usage',
      `${file} is no packet: ${(cause as Error).message}; signalbox handoff compile --packet FILE writes one`,
      { cause },
    )
  }
}

/** The digest of a packet that was read, for who accepts it. */
export function digestOfFile(file: string): string {
  try {
    return readback(readPacket(file), sha256)
  } catch (cause) {
    if (cause instanceof PacketError) throw new CommandError('usage', `${file}: ${cause.message}`, { cause })
    throw cause
  }
}

async function asUsage<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (cause) {
    if (cause instanceof PacketError) throw new CommandError('usage', `${cause.code}: ${cause.message}`, { cause })
    throw cause
  }
}
