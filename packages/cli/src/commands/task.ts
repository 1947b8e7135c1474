/** `signalbox task ...` and `signalbox handoff ...` */

import { sha256 } from '@signalbox/codec'
import type { HandoffData, JsonObject, Resource, TaskData } from '@signalbox/contract'
import { sealOf } from '@signalbox/handoff'
import { exitCodes } from '../exit-codes.ts'
import { wholeNumber } from '../numbers.ts'
import { printMany, printOne } from '../output.ts'
import { isoTime, resourceText } from '../render/decision.ts'
import type { Settings } from '../settings.ts'
import { humanOf } from '../user.ts'
import { act, findOne, listed, required, withGateway } from './gateway.ts'
import { digestOfFile, readPacket } from './handoff.ts'

export interface TaskFlags {
  readonly scope?: string
  readonly state?: string
  readonly agent?: string
  readonly title?: string
  readonly needs?: readonly string[]
  readonly leaseMs?: string
  readonly result?: string
  readonly reason?: string
  readonly to?: string
  readonly task?: string
  readonly digest?: string
  readonly position?: string
  readonly readback?: string
  readonly packet?: string
}

export async function list(settings: Settings, type: 'task' | 'handoff', { scope, state }: TaskFlags): Promise<number> {
  const found = await withGateway(settings, (gateway) => listed(gateway, { type, scope, state }))
  await printMany(settings.output, found, type === 'task' ? taskLine : handoffLine)
  return exitCodes.ok
}

function taskLine({ data, resource, scope, state }: Resource): string {
  const { claimedBy, expiresMs, title } = data as TaskData
  const claim = claimedBy === null ? '' : `  ${claimedBy}${expiresMs === null ? '' : ` until ${isoTime(expiresMs)}`}`
  return `${scope}  ${resource}  ${state}${claim}  ${title}`
}

function handoffLine({ data, resource, scope, state }: Resource): string {
  const { from, moved, task, to } = data as HandoffData
  return `${scope}  ${resource}  ${state}  ${from} -> ${to}${task === null ? '' : `  ${task}`}${moved.length === 0 ? '' : `  ${moved.length} references had moved`}`
}

export async function show(settings: Settings, type: 'task' | 'handoff', id: string, { scope }: TaskFlags): Promise<number> {
  const found = await withGateway(settings, (gateway) => findOne(gateway, type, id, scope))
  printOne(settings.output, found, resourceText)
  return exitCodes.ok
}

/** Takes an action on a task or handoff: one that is there is found by its id, a new one is made in `--scope`. */
export async function take(settings: Settings, type: 'task' | 'handoff', action: string, id: string, flags: TaskFlags): Promise<number> {
  const agent = flags.agent ?? humanOf(undefined)
  const resource = `${type}/${id}`
  const isNew = action === 'offer'
  const scope = isNew
    ? required('--scope', flags.scope, 'where the work is')
    : (await withGateway(settings, (gateway) => findOne(gateway, type, id, flags.scope))).scope
  return await act(settings, { scope, agent, resource, action, input: inputOf(type, action, flags) })
}

/** What an offer says of its packet: by the packet itself, or by flags. */
function ofPacket({ digest, packet: file, position, task }: TaskFlags): JsonObject {
  if (file === undefined)
    return {
      seal: sealOf(required('--digest', digest, 'that of the packet; or --packet FILE'), sha256),
      position: required('--position', position, 'partition:offset that the packet was compiled at; or --packet FILE'),
    }
  const packet = readPacket(file)
  // The offer itself moves the task: that is no news.
  const references = packet.references.filter(({ resource }) => resource !== task).map(({ resource, version }) => ({ resource, version }))
  return { seal: sealOf(digestOfFile(file), sha256), position: packet.position, references }
}

function inputOf(type: 'task' | 'handoff', action: string, flags: TaskFlags): JsonObject {
  const reason = () => ({ reason: required('--reason', flags.reason, 'it stays in the log') })
  if (type === 'handoff') {
    if (action === 'accept')
      return {
        readback:
          flags.packet === undefined
            ? required('--readback', flags.readback, 'the digest of the packet, so that it is known to have been read; or --packet FILE')
            : digestOfFile(flags.packet),
      }
    if (action === 'decline') return reason()
    return {
      to: required('--to', flags.to, 'the agent that is to take over'),
      ...ofPacket(flags),
      ...(flags.task === undefined ? {} : { task: flags.task }),
    }
  }
  if (action === 'fail' || action === 'cancel') return reason()
  if (action === 'done') return flags.result === undefined ? {} : { result: flags.result }
  if (action !== 'offer') return {}
  return {
    title: required('--title', flags.title, 'what is to be done'),
    ...(flags.needs === undefined ? {} : { needs: [...flags.needs] }),
    ...(flags.leaseMs === undefined ? {} : { leaseMs: wholeNumber('--lease-ms', flags.leaseMs, { least: 1 }) }),
  }
}
