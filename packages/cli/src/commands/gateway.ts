/** What commands about coordination ask of a running gateway. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { addressText, HttpCoordinator, newIntentId } from '@signalbox/client'
import { type Decision, type Intent, intentFromJson, type JsonObject, type Resource, type Status } from '@signalbox/contract'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { withSource } from '../logs.ts'
import { checkName } from '../names.ts'
import { printOne } from '../output.ts'
import { decisionText } from '../render/decision.ts'
import type { Settings } from '../settings.ts'
import { usage } from './actions.ts'

const decisionWaitMs = 10_000

/** `attempts`: while nobody listens at the address. */
export function gatewayOf({ headers, url }: Pick<Settings, 'headers' | 'url'>, attempts = 1): HttpCoordinator {
  return new HttpCoordinator(url, { attempts, ...(headers === undefined ? {} : { headers }) })
}

export async function withGateway<Result>(settings: Settings, ask: (gateway: HttpCoordinator) => Promise<Result>): Promise<Result> {
  const gateway = gatewayOf(settings)
  try {
    return await ask(gateway)
  } finally {
    await gateway.close()
  }
}

/**
 * What the gateway says of itself, where it serves the log that was read. Ask before anything is written for what was read.
 * Throws CommandError (usage) where it serves another.
 */
export async function statusOfSameLog(gateway: HttpCoordinator, { url }: Settings, logId: string): Promise<Status> {
  const status = (await gateway.request('GET', '/v1/status', 0)).body as Status
  if (status.logId === logId) return status
  const theirs = status.logId === undefined ? 'a log that it does not name, as earlier releases do not' : `the log ${status.logId}`
  throw new CommandError(
    'usage',
    `this command has read the log ${logId}, and the gateway at ${addressText(url)} serves ${theirs}; nothing was written. Name the gateway of the log that was read (--url, SIGNALBOX_URL), or the log of the gateway (--log, --data-dir, or KAFKA_BROKERS and KAFKA_TOPIC_PREFIX)`,
  )
}

/** Where the log of the settings can be looked at from here, that the gateway serves it. Throws CommandError (usage) where it serves another. */
export async function refuseOtherLog(gateway: HttpCoordinator, settings: Settings): Promise<void> {
  if (settings.log === 'sqlite' && !existsSync(join(settings.dataDirectory, 'log.db'))) return
  const logId = await withSource(settings, async ({ log }) => log.id)
  await statusOfSameLog(gateway, settings, logId)
}

export interface Asked {
  readonly scope: string
  readonly agent: string
  readonly resource: string
  readonly action: string
  readonly input?: JsonObject
  readonly note?: string
  readonly expectedVersion?: number
  readonly causationId?: string
}

/** Throws CommandError (usage) for what can be no intent, as a name that is none. */
export function intentOf({ action, agent, expectedVersion, resource, scope, input = {}, ...lineage }: Asked): Intent {
  const actions = [{ resource, action, input, ...(expectedVersion === undefined ? {} : { expectedVersion }) }]
  return usage(() => intentFromJson({ intentId: newIntentId(), scope, agent, actions, ...lineage }))
}

/** Submits one action and waits for its decision. Throws CommandError timedOut. */
export async function decide(gateway: HttpCoordinator, asked: Asked): Promise<Decision> {
  const intent = intentOf(asked)
  const decision = await gateway.submit(intent, { waitMs: decisionWaitMs })
  if (decision !== null) return decision
  throw new CommandError(
    'timedOut',
    `intent ${intent.intentId} was not decided within ${decisionWaitMs} ms; it still may be: signalbox intent show ${intent.intentId}`,
  )
}

/** Submits one action and prints its decision; the exit code says what it was. */
export async function act(settings: Settings, asked: Asked): Promise<number> {
  const decision = await withGateway(settings, (gateway) => decide(gateway, asked))
  printOne(settings.output, decision, decisionText)
  return exitCodeOf(decision)
}

export function exitCodeOf({ committed, pending, shadow }: Decision): number {
  if (committed || shadow !== null) return exitCodes.ok
  if (pending === null) return exitCodes.rejected
  return pending.reason === 'escalated' ? exitCodes.waitingForHuman : exitCodes.timedOut
}

/** Throws CommandError (usage) where a flag that must be given is not. */
export function required(flag: string, value: string | undefined, why: string): string {
  if (value === undefined || value === '') throw new CommandError('usage', `give ${flag}: ${why}`)
  return value
}

export async function listed(gateway: HttpCoordinator, query: Readonly<Record<string, string | undefined>>): Promise<readonly Resource[]> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const { body } = await gateway.request('GET', `/v1/resources?${new URLSearchParams([...given, ['limit', '1000']])}`, 0)
  return (body as { resources: readonly Resource[] }).resources
}

/** One of Signalbox's own resources by its id alone. Throws CommandError where there is none, or several scopes have one. */
export async function findOne(gateway: HttpCoordinator, type: string, id: string, scope: string | undefined): Promise<Resource> {
  const name = id.startsWith(`${type}/`) ? id : `${type}/${id}`
  checkName('ID', 'resource', name)
  if (scope !== undefined) {
    const [found] = (await gateway.observe(scope, [name]))!.resources
    if (found!.exists) return found!
    throw new CommandError('notFound', `scope ${scope} has no ${name}; signalbox ${type} list shows what there is`)
  }
  const found = (await listed(gateway, { type })).filter(({ resource }) => resource === name)
  if (found.length === 1) return found[0]!
  if (found.length === 0) throw new CommandError('notFound', `there is no ${name}; signalbox ${type} list shows what there is`)
  throw new CommandError('usage', `${name} is in the scopes ${found.map((each) => each.scope).join(', ')}; say which with --scope`)
}
