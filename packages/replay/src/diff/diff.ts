/**
 * What would other contracts have decided? The same intents, in their order, under candidate rules:
 *  - isolated: each record against the state that the log records: which decisions the candidate itself changes;
 *  - chained: each record against the candidate's own state: what all of it would have come to. A flip that is one in isolation too
 *    is a first cause, any other follows from one (a knock-on).
 * No agent is asked anything: what it would have proposed instead is not known.
 */
import { type Event, formatEventReference, intentFromJson, isOwnEvent } from '@signalbox/contract'
import { decide, evolve, type IntentRecord, type PartitionState, type Rules } from '@signalbox/core'
import type { Source } from '@signalbox/partition-state'
import { embeddedIntent } from '@signalbox/presentation'
import { AsNow } from './as-now.ts'
import { type Outcome, outcomesOf, ruledBy } from './outcomes.ts'
import { type DecidedRecord, decidedRecords, stateBeforeDecisions } from './records.ts'
import { Translator } from './translate.ts'

export type DiffMode = 'isolated' | 'chained'

export interface Verdict {
  readonly outcome: string
  readonly code: string | null
  readonly message: string | null
}

export interface Flip {
  /** Null where the record could not be decoded. */
  readonly intentId: string | null
  /** The event at which the two came apart. */
  readonly event: string
  readonly time: number
  readonly scope: string
  readonly agent: string | null
  readonly actions: readonly string[]
  readonly recorded: Verdict
  readonly candidate: Verdict
  readonly kind: 'first cause' | 'knock-on'
}

export interface Diff {
  readonly mode: DiffMode
  readonly decisions: number
  /** Records whose intent is not there: undecodable ones, and those of scopes that were not exported. */
  readonly notDecidedAgain: number
  /** How many intents come to something else. */
  readonly flipped: number
  readonly firstCauses: number
  readonly knockOn: number
  /** Committed in both, to other data. */
  readonly changed: number
  /** The first so many of both kinds. */
  readonly flips: readonly Flip[]
  readonly changes: readonly Flip[]
  /** What rules did in one alone, by what it is: `+` under the candidate alone, `-` in the record alone. */
  readonly rules: Readonly<Record<string, number>>
}

export interface DiffOptions {
  readonly source: Source
  readonly candidate: Rules
  readonly mode: DiffMode
  /** Flips and changes that are told one by one, each. Default 10,000. */
  readonly mostTold?: number
  readonly progress?: (read: { readonly partition: number; readonly decisions: number }) => void
}

export async function diffLog(options: DiffOptions): Promise<Diff> {
  const differ = new Differ(options)
  for (let partition = 0; partition < options.source.log.partitionCount; partition++) await differ.partition(partition)
  return differ.result()
}

interface Apart {
  readonly recorded: Outcome | null
  readonly candidate: Outcome | null
  readonly event: Event
  readonly isFirst: boolean
}

class Differ {
  readonly #options: DiffOptions
  #decisions = 0
  #notDecidedAgain = 0
  #flipped = 0
  #firstCauses = 0
  #changed = 0
  readonly #flips: Flip[] = []
  readonly #changes: Flip[] = []
  readonly #rules = new Map<string, number>()
  // Intents of which the two say different things, by id: one may wait longer here than there, and come to the same.
  #apart = new Map<string, Apart>()
  #intents = new Map<string, { readonly agent: string | null; readonly actions: readonly string[] }>()

  constructor(options: DiffOptions) {
    this.#options = options
  }

  async partition(partition: number): Promise<void> {
    const { candidate: rules, mode, progress, source } = this.#options
    const recorded = await stateBeforeDecisions(source, partition)
    const candidate = await stateBeforeDecisions(source, partition)
    const translator = new Translator(recorded)
    const asNow = new AsNow(rules.contracts)
    this.#apart = new Map()
    this.#intents = new Map()
    for await (const written of decidedRecords(source, partition)) {
      // What is sent again is compared with what was decided then, word by word.
      const isRepeated = mode === 'isolated' && written.events.some(({ type }) => type === 'IntentDuplicated')
      const { intent } = written.intent
      const record =
        intent === null || isRepeated
          ? written
          : { ...written, intent: { ...written.intent, intent: asNow.intent(intent, written.contracts) } }
      const isolated = decide(recorded, record.intent, rules)
      const again = mode === 'isolated' ? isolated : this.#decideThere(record, translator, recorded, candidate)
      this.#compare(record, again, mode === 'isolated' ? null : isolated)
      if (mode === 'chained') {
        translator.take(record.events, again)
        for (const event of again) evolve(candidate, event)
      }
      for (const event of record.events) evolve(recorded, asNow.pending(event, record.contracts))
      if (record.isStandIn) this.#notDecidedAgain++
      this.#decisions++
      if (this.#decisions % 4_096 === 0) progress?.({ partition, decisions: this.#decisions })
    }
    for (const [intentId, apart] of this.#apart) this.#tell(intentId, apart)
  }

  #decideThere({ intent }: DecidedRecord, translator: Translator, recorded: PartitionState, candidate: PartitionState): readonly Event[] {
    const translated: IntentRecord =
      intent.intent === null ? intent : { ...intent, intent: translator.intent(intent.intent, recorded, candidate) }
    return decide(candidate, translated, this.#options.candidate)
  }

  /** `isolated` tells, in a chained run, what the candidate itself says of the record. */
  #compare(record: DecidedRecord, again: readonly Event[], isolated: readonly Event[] | null): void {
    const isCompared = (event: Event) => !(record.isStandIn && isOwnEvent(event))
    const { contracts } = this.#options.candidate
    const there = outcomesOf(again.filter(isCompared), contracts)
    const here = outcomesOf(record.events.filter(isCompared), contracts)
    const alone = isolated === null ? there : outcomesOf(isolated.filter(isCompared), contracts)
    const own = record.events.find(isOwnEvent) ?? record.events[0]!
    for (const intentId of new Set([...here.keys(), ...there.keys()])) {
      const before = this.#apart.get(intentId)
      const said = here.get(intentId) ?? before?.recorded ?? null
      const says = there.get(intentId) ?? before?.candidate ?? null
      if (said !== null && says !== null && isSame(said, says)) {
        this.#apart.delete(intentId)
        continue
      }
      const isFirst = before?.isFirst ?? !isSame(here.get(intentId) ?? null, alone.get(intentId) ?? null)
      this.#apart.set(intentId, { recorded: said, candidate: says, event: before?.event ?? own, isFirst })
      this.#note(intentId, record, again)
    }
    this.#compareRules(record.events, again)
  }

  /** As it was asked; what a human had done in place of an intent is asked in the event that settles it alone. */
  #note(intentId: string, { events, intent: { intent: own } }: DecidedRecord, again: readonly Event[]): void {
    if (this.#intents.has(intentId)) return
    const settling = [...events, ...again].find(({ payload }) => 'intentId' in payload && payload.intentId === intentId)
    const embedded = settling === undefined ? null : embeddedIntent(settling)
    const intent = embedded === null ? own : intentFromJson(embedded)
    if (intent === null || intent.intentId !== intentId) return
    const actions = intent.actions.map(({ action, resource }) => `${action} ${resource}`)
    this.#intents.set(intentId, { agent: intent.agent, actions })
  }

  #compareRules(recorded: readonly Event[], candidate: readonly Event[]): void {
    const { contracts } = this.#options.candidate
    const here = [...ruledBy(recorded, contracts)]
    for (const rule of ruledBy(candidate, contracts)) {
      const at = here.indexOf(rule)
      if (at >= 0) here.splice(at, 1)
      else this.#count(`+ ${kindOf(rule)}`)
    }
    for (const rule of here) this.#count(`- ${kindOf(rule)}`)
  }

  #count(rule: string): void {
    this.#rules.set(rule, (this.#rules.get(rule) ?? 0) + 1)
  }

  #tell(intentId: string, { candidate, event, isFirst, recorded }: Apart): void {
    const { mostTold = 10_000 } = this.#options
    const { agent = null, actions = [] } = this.#intents.get(intentId) ?? {}
    const flip: Flip = {
      intentId: intentId.startsWith('(') ? null : intentId,
      event: formatEventReference(event),
      time: event.time,
      scope: event.scope,
      agent: agent ?? ('agent' in event.payload ? event.payload.agent : null),
      actions,
      recorded: verdictOf(recorded),
      candidate: verdictOf(candidate),
      kind: isFirst ? 'first cause' : 'knock-on',
    }
    const isFlip = recorded?.outcome !== candidate?.outcome || recorded?.code !== candidate?.code
    if (isFlip) {
      this.#flipped++
      if (isFirst) this.#firstCauses++
    } else this.#changed++
    const list = isFlip ? this.#flips : this.#changes
    if (list.length < mostTold) list.push(flip)
  }

  result(): Diff {
    return {
      mode: this.#options.mode,
      decisions: this.#decisions,
      notDecidedAgain: this.#notDecidedAgain,
      flipped: this.#flipped,
      firstCauses: this.#firstCauses,
      knockOn: this.#flipped - this.#firstCauses,
      changed: this.#changed,
      flips: this.#flips,
      changes: this.#changes,
      rules: Object.fromEntries([...this.#rules].sort(([a], [b]) => (a < b ? -1 : 1))),
    }
  }
}

function isSame(a: Outcome | null, b: Outcome | null): boolean {
  return a === b || (a !== null && b !== null && a.outcome === b.outcome && a.code === b.code && a.changed === b.changed)
}

/** Still undecided, where the log ends. */
function verdictOf(outcome: Outcome | null): Verdict {
  if (outcome === null) return { outcome: 'undecided', code: null, message: null }
  const { code, message, outcome: what } = outcome
  return { outcome: what, code, message }
}

/** Of many resources of one kind, one line. */
function kindOf(rule: string): string {
  return rule.replace(/ in .*$/s, '').replace(/\/.* -> /s, '/... -> ')
}
