/** `signalbox intent ...` */
import { readFileSync } from 'node:fs'
import { addressText, newIntentId } from '@signalbox/client'
import { type Decision, type ExplainedDecision, type Intent, intentFromJson, readJson } from '@signalbox/contract'
import { earlierGeneration } from '@signalbox/event-log'
import { withoutByteOrderMark } from '@signalbox/files'
import { type DecisionFilter, decisions, explainDecision, presentDecision } from '@signalbox/presentation'
import { findDecision } from '@signalbox/replay'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { withSource } from '../logs.ts'
import { checkIntentId } from '../names.ts'
import { wholeNumber } from '../numbers.ts'
import { printMany, printOne, say } from '../output.ts'
import { placeText } from '../places.ts'
import { decisionLine, decisionText } from '../render/decision.ts'
import { dryRunText, explainedText } from '../render/explanation.ts'
import { readerRules } from '../rules.ts'
import type { Settings } from '../settings.ts'
import { humanOf } from '../user.ts'
import { actionsFromFlags, usage } from './actions.ts'
import { act, exitCodeOf, gatewayOf, withGateway } from './gateway.ts'
import { followDecisions } from './tail.ts'

export interface SubmitFlags {
  readonly scope?: string
  readonly agent?: string
  readonly do?: readonly string[]
  readonly read?: readonly string[]
  readonly expect?: readonly string[]
  readonly note?: string
  readonly waitMs: string
  readonly dryRun?: boolean
  readonly onConflict?: 'reject' | 'wait' | 'escalate'
  readonly reservation?: string
  readonly priority?: string
}

/** Over about a second, while nobody listens. */
const submitAttempts = 5

/** Submits an intent from a file, from standard input (`-`) or from flags; the exit code says what was decided. */
export async function submitIntent(settings: Settings, file: string | undefined, flags: SubmitFlags): Promise<number> {
  const intent = file === undefined ? intentFromFlags(flags) : intentFromFile(file)
  const waitMs = wholeNumber('--wait-ms', flags.waitMs)
  const gateway = gatewayOf(settings, submitAttempts)
  try {
    if (flags.dryRun === true) {
      const explanation = await gateway.dryRun(intent)
      printOne(settings.output, explanation, dryRunText)
      return explanation.outcome === 'rejected' ? exitCodes.rejected : exitCodes.ok
    }
    const decision = await gateway.submit(intent, { waitMs })
    if (decision === null) {
      throw new CommandError(
        'timedOut',
        `intent ${intent.intentId} was not decided within ${waitMs} ms; it still may be: signalbox intent show ${intent.intentId}`,
      )
    }
    printOne(settings.output, decision, decisionText)
    return exitCodeOf(decision)
  } finally {
    await gateway.close()
  }
}

function intentFromFile(file: string): Intent {
  let text: string
  try {
    text = withoutByteOrderMark(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch (cause) {
    throw new CommandError('usage', `cannot read ${file === '-' ? 'standard input' : file}: ${(cause as Error).message}`, { cause })
  }
  return usage(() => {
    const { value } = readJson(text)
    // A person who types an intent need not make an id.
    return intentFromJson(
      typeof value === 'object' && value !== null && !('intentId' in value) ? { intentId: newIntentId(), ...value } : value,
    )
  })
}

function versions(flag: string, entries: readonly string[]): Map<string, number> {
  return new Map(
    entries.map((entry) => {
      const match = /^(.+)@(\d{1,15})$/.exec(entry)
      if (match === null) throw new CommandError('usage', `${flag} takes type/id@version, like order/7@4, not ${entry}`)
      return [match[1]!, Number(match[2])] as const
    }),
  )
}

function intentFromFlags(flags: SubmitFlags): Intent {
  const { agent, scope } = flags
  if (scope === undefined || agent === undefined || flags.do === undefined) {
    throw new CommandError(
      'usage',
      "give an intent as a file (- for standard input), or as --scope SCOPE --agent AGENT --do 'ACTION TYPE/ID [INPUT]', where --do may be repeated",
    )
  }
  const expected = versions('--expect', flags.expect ?? [])
  const actions = actionsFromFlags(flags.do, expected)
  const reads = [...versions('--read', flags.read ?? [])].map(([resource, version]) => ({ resource, version }))
  return usage(() =>
    intentFromJson({
      intentId: newIntentId(),
      scope,
      agent,
      actions,
      reads,
      ...(flags.note === undefined ? {} : { note: flags.note }),
      ...(flags.onConflict === undefined ? {} : { onConflict: flags.onConflict }),
      ...(flags.reservation === undefined ? {} : { reservation: flags.reservation }),
      ...(flags.priority === undefined ? {} : { priority: wholeNumber('--priority', flags.priority) }),
    }),
  )
}

function notFound(settings: Settings, intentId: string, earlier: string | null): CommandError {
  const where = settings.urlIsGiven ? addressText(settings.url) : settings.log === 'kafka' ? 'the Kafka log' : settings.dataDirectory
  return new CommandError(
    'notFound',
    `there is no decision on intent ${intentId} in ${where}; ${earlier === null ? '' : `it may lie where this log was before (${placeText(earlier)}); else `}check the id (signalbox intent list), or name another log with --data-dir or --url`,
  )
}

async function decided<Result>(settings: Settings, intentId: string, found: Promise<Result | null>): Promise<Result> {
  const result = await found
  if (result !== null) return result
  checkIntentId(intentId)
  throw notFound(settings, intentId, settings.urlIsGiven ? null : await withSource(settings, earlierGeneration))
}

export async function showIntent(settings: Settings, intentId: string): Promise<number> {
  const ask = settings.urlIsGiven
    ? fromGateway<Decision>(settings, `/v1/intents/${encodeURIComponent(intentId)}`)
    : withSource(settings, async (source) => {
        const logged = await findDecision(source, intentId)
        return logged === null ? null : presentDecision(logged.event, logged.logOffset)
      })
  const decision = await decided(settings, intentId, ask)
  printOne(settings.output, decision, decisionText)
  return exitCodes.ok
}

export async function explainIntent(settings: Settings, intentId: string): Promise<number> {
  const ask = settings.urlIsGiven
    ? fromGateway<ExplainedDecision>(settings, `/v1/intents/${encodeURIComponent(intentId)}/explanation`)
    : withSource(settings, async (source) => {
        const logged = await findDecision(source, intentId)
        return logged === null ? null : await explainDecision(source, readerRules(settings, source.log.partitionCount), logged)
      })
  const explained = await decided(settings, intentId, ask)
  printOne(settings.output, explained, explainedText)
  return exitCodes.ok
}

async function fromGateway<Result>(settings: Settings, path: string): Promise<Result | null> {
  const gateway = gatewayOf(settings, submitAttempts)
  try {
    const { body, status } = await gateway.request('GET', path, 0)
    return status === 404 ? null : (body as Result)
  } finally {
    await gateway.close()
  }
}

export type ListFlags = DecisionFilter & { readonly limit: string }

export async function listIntents(settings: Settings, flags: ListFlags): Promise<number> {
  const { limit, ...filter } = flags
  const most = wholeNumber('--limit', limit)
  const found: Decision[] = []
  if (settings.urlIsGiven) {
    const query = new URLSearchParams(
      Object.entries({ ...filter, limit }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    )
    found.push(...((await fromGateway<{ decisions: Decision[] }>(settings, `/v1/intents?${query}`))?.decisions ?? []))
  } else {
    await withSource(settings, async (source) => {
      for await (const decision of decisions(source, filter)) {
        found.push(decision)
        if (found.length > most) found.shift()
      }
    })
  }
  const count = await printMany(settings.output, found, decisionLine)
  if (count === 0 && settings.output === 'text') say('no decision fits; see signalbox intent list --help for the filters')
  return exitCodes.ok
}

export type TailFlags = DecisionFilter & { readonly from: string }

export async function tailIntents(settings: Settings, { from, ...filter }: TailFlags): Promise<number> {
  if (from !== 'start' && from !== 'end') throw new CommandError('usage', `--from takes start or end, not ${from}`)
  await printMany(settings.output === 'json' ? 'jsonl' : settings.output, followDecisions(settings, filter, from), decisionLine)
  return exitCodes.ok
}

/** Takes a pending intent back, in the scope where it is. */
export async function withdrawIntent(
  settings: Settings,
  intentId: string,
  { agent, reason }: { agent?: string; reason?: string },
): Promise<number> {
  const decision = await withGateway(settings, (gateway) => gateway.decision(intentId))
  if (decision === null) throw new CommandError('notFound', `intent ${intentId} is not known; it was never sent, or not read yet`)
  const input = reason === undefined ? {} : { reason }
  return await act(settings, {
    scope: decision.scope,
    agent: agent ?? humanOf(undefined),
    resource: `intent/${intentId}`,
    action: 'withdraw',
    input,
  })
}
