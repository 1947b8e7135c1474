/** `signalbox resource ...` and `signalbox status` */
import { type ContractSet, type JsonObject, noContracts, partitionOf, type Resource, type Status } from '@signalbox/contract'
import { currentState } from '@signalbox/partition-state'
import { listResources, type ResourceFilter } from '@signalbox/presentation'
import { changesBefore, resourceAt } from '@signalbox/replay'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { withSource } from '../logs.ts'
import { checkFilter, checkTypeOf } from '../names.ts'
import { wholeNumber } from '../numbers.ts'
import { printMany, printOne, say } from '../output.ts'
import { noteFuture, readPosition } from '../positions.ts'
import { isoTime, resourceLine, resourceText, statusText } from '../render/decision.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { gatewayOf } from './gateway.ts'

async function gatewayGet<Result>(settings: Settings, path: string): Promise<Result> {
  const gateway = gatewayOf(settings)
  try {
    return (await gateway.request('GET', path, 0)).body as Result
  } finally {
    await gateway.close()
  }
}

export async function showResource(settings: Settings, scope: string, name: string, at?: string): Promise<number> {
  if (at !== undefined) noteFuture(at)
  const resource = at !== undefined ? await resourceThen(settings, scope, name, at) : await resourceNow(settings, scope, name)
  if (!resource.exists) {
    checkTypeOf(contractsOfNow(settings), name)
    const when = at === undefined ? 'has' : `had at ${at}`
    throw new CommandError(
      'notFound',
      `scope ${scope} ${when} no resource ${name}; signalbox resource list --scope ${scope} lists what it has`,
    )
  }
  printOne(settings.output, resource, resourceText)
  return exitCodes.ok
}

/** By which guards see what older versions wrote. A moment of the past is given as it was written. */
function contractsOfNow(settings: Settings): ContractSet {
  return settings.config === null ? noContracts : contractsOf(settings)
}

async function resourceThen(settings: Settings, scope: string, name: string, at: string, contracts?: ContractSet): Promise<Resource> {
  return await withSource(settings, async (source) => {
    const position = await readPosition(source, partitionOf(scope, source.log.partitionCount), at)
    const found = await resourceAt(source, scope, name, position, contracts)
    const now = contractsOfNow(settings)
    if (contracts !== undefined || !now.hasUpcasts) return found
    const seen = await resourceAt(source, scope, name, position, now)
    if (seen.state !== found.state || JSON.stringify(seen.data) !== JSON.stringify(found.data))
      say(`state and data are as an earlier version of the contract wrote them; ${name} as guards see it now: leave --at out`)
    return found
  })
}

async function resourceNow(settings: Settings, scope: string, name: string): Promise<Resource> {
  return settings.urlIsGiven
    ? (await gatewayGet<{ resources: Resource[] }>(settings, `/v1/observe?${new URLSearchParams({ scope, resource: name })}`)).resources[0]!
    : await resourceThen(settings, scope, name, 'end', contractsOfNow(settings))
}

export async function resourceHistory(settings: Settings, scope: string, name: string): Promise<number> {
  const history = await withSource(settings, async (source) => {
    const partition = partitionOf(scope, source.log.partitionCount)
    const { end } = await source.log.offsets('events', partition)
    const found = []
    for await (const { by, change } of changesBefore(source, scope, name, { partition, logOffset: end })) {
      const { data, ...rest } = change
      found.push({
        ...rest,
        data: JSON.parse(data) as JsonObject,
        ...by,
        intentId: by.intentId === '' ? null : by.intentId,
      })
    }
    return found.reverse()
  })
  if (history.length === 0) {
    checkTypeOf(contractsOfNow(settings), name)
    throw new CommandError(
      'notFound',
      `nothing was ever committed to ${name} in scope ${scope}; signalbox resource list --scope ${scope} lists what there is`,
    )
  }
  await printMany(settings.output, history, ({ action, agent, data, event, fromState, intentId, isCarried, state, time, version }) => {
    const from = isCarried ? '(carried over)' : (fromState ?? 'new')
    return `${isoTime(time)}  ${event.padEnd(10)}  version ${version}  ${from} -> ${state}  ${action} by ${agent}  ${intentId ?? '-'}  ${JSON.stringify(data)}`
  })
  return exitCodes.ok
}

export async function listAllResources(settings: Settings, flags: ResourceFilter & { readonly limit: string }): Promise<number> {
  const { limit, ...filter } = flags
  const most = wholeNumber('--limit', limit)
  let found: readonly Resource[]
  if (settings.urlIsGiven) {
    const query = new URLSearchParams(
      Object.entries({ ...filter, limit }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    )
    found = (await gatewayGet<{ resources: Resource[] }>(settings, `/v1/resources?${query}`)).resources
  } else {
    found = await withSource(settings, async (source) => {
      const all: Resource[] = []
      for (let partition = 0; partition < source.log.partitionCount; partition++)
        all.push(...listResources(await currentState(source, partition), filter, contractsOfNow(settings)))
      return all
    })
    if (found.length === 0) checkFilter(contractsOfNow(settings), filter)
  }
  await printMany(settings.output, found.slice(0, most), resourceLine)
  if (found.length > most) say(`${found.length - most} more; raise --limit, or filter with --scope, --type and --state`)
  return exitCodes.ok
}

export async function showStatus(settings: Settings): Promise<number> {
  const status = await gatewayGet<Status>(settings, '/v1/status')
  printOne(settings.output, status, statusText)
  return exitCodes.ok
}
