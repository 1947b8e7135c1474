/** Which letters are meant, and which of them are alike. */
import { type ContractOwner, type DeadLetterTopic, rejectCodes } from '@signalbox/contract'
import type { DeadLetter } from './letter.ts'

export const standings = ['open', 'redriven', 'discarded'] as const

/** Why a record is a dead letter: of intents, as they were rejected; of what cannot be told, folded, reacted to or read. */
export const letterCodes: readonly string[] = [
  ...Object.keys(rejectCodes),
  'ADDRESS_REFUSED',
  'REDIRECTED',
  'REFUSED',
  'GONE',
  'EXHAUSTED',
  'TARGET_DISABLED',
  'QUEUE_FULL',
  'TOO_LARGE',
  'UNKNOWN_TARGET',
  'PROJECTION_FAILED',
  'HELD_BACK',
  'REACTION_FAILED',
  'SOURCE_UNREADABLE',
]

export interface LetterFilter {
  readonly topic?: DeadLetterTopic | undefined
  readonly code?: string | undefined
  readonly fingerprint?: string | undefined
  readonly scope?: string | undefined
  readonly agent?: string | undefined
  readonly standing?: (typeof standings)[number] | 'all' | undefined
}

/** What the filter does not name, it does not ask for. */
export function matchesFilter(letter: DeadLetter, { agent, code, fingerprint, scope, standing, topic }: LetterFilter): boolean {
  return (
    (topic === undefined || letter.topic === topic) &&
    (code === undefined || letter.code === code) &&
    (fingerprint === undefined || letter.fingerprint === fingerprint) &&
    (scope === undefined || letter.scope === scope) &&
    (agent === undefined || letter.agent === agent) &&
    (standing === undefined || standing === 'all' || letter.standing.state === standing)
  )
}

/** Whether it was redriven and has no decision: a redrive that was cut off, or is under way. */
export function isCutOff({ standing }: DeadLetter): boolean {
  return standing.state === 'redriven' && standing.outcome === null
}

export interface LetterGroup {
  readonly fingerprint: string
  readonly topic: DeadLetterTopic
  readonly code: string
  readonly count: number
  readonly firstMs: number
  readonly lastMs: number
  readonly scopes: number
  readonly agents: readonly string[]
  /** The first of them. */
  readonly example: DeadLetter
  readonly owner: ContractOwner | null
}

const namedAgents = 5

/** The largest first. */
export function groupLetters(letters: readonly DeadLetter[]): readonly LetterGroup[] {
  const byCause = Map.groupBy(letters, ({ fingerprint, topic }) => `${topic} ${fingerprint}`)
  const groups = [...byCause.values()].map((alike): LetterGroup => {
    const example = alike.reduce((first, each) => (each.timestampMs < first.timestampMs ? each : first))
    const agents = new Set(alike.flatMap(({ agent }) => (agent === null ? [] : [agent])))
    return {
      fingerprint: example.fingerprint,
      topic: example.topic,
      code: example.code,
      count: alike.length,
      firstMs: example.timestampMs,
      lastMs: alike.reduce((last, { timestampMs }) => Math.max(last, timestampMs), 0),
      scopes: new Set(alike.map(({ scope }) => scope)).size,
      agents: [...agents].sort().slice(0, namedAgents),
      example,
      owner: alike.find(({ owner }) => owner !== null)?.owner ?? null,
    }
  })
  return groups.sort((a, b) => b.count - a.count || (a.fingerprint < b.fingerprint ? -1 : 1))
}

/**
 * The letters in lanes: of one lane one after the other, in the order in which they were sent. A lane is a scope of a partition; what has
 * no scope concerns nobody else.
 */
export function lanesOf(letters: readonly DeadLetter[]): readonly (readonly DeadLetter[])[] {
  const lanes = Map.groupBy(letters, ({ id, partition, scope, topic }) => `${topic} ${partition} ${scope === null ? id : `scope ${scope}`}`)
  return [...lanes.values()].map((lane) => lane.toSorted((a, b) => a.sourceOffset - b.sourceOffset || a.offset - b.offset))
}
