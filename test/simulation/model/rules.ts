/** What the contracts of the simulated world mean, written a second time, by hand, with nothing of the first in it. */
import type { PlainObject } from './intent.ts'

export interface ModelTimer {
  readonly due: number
  readonly action: string
}

export interface ModelResource {
  readonly version: number
  readonly state: string
  readonly data: PlainObject
  readonly timer: ModelTimer | null
  /** Every change of it, oldest first. */
  readonly history: readonly ModelMove[]
  /** Whose writing it stands on, besides that of who changed it last, and when that was. */
  readonly builtOn: ReadonlyMap<string, number>
}

/** Orders events that happened at one time, of one partition, or of logs that follow each other. */
export interface ModelMoment {
  readonly log: number
  readonly partition: number
  /** The number of the event among those of its partition. */
  readonly order: number
}

export interface ModelMove {
  readonly version: number
  readonly action: string
  readonly intentId: string
  readonly agent: string
  readonly timeMs: number
  readonly moment: ModelMoment
  /** The fields of the data that it changed; null where its contract does not merge. */
  readonly fields: readonly string[] | null
}

/** Why a human must agree, and how many must. */
export interface ModelQuestion {
  readonly reason: string
  readonly to: string
  readonly approvals: number
}

export interface RuleContext {
  readonly input: PlainObject
  readonly before: ModelResource | undefined
  /** A resource of the scope before the intent. */
  readonly find: (resource: string) => ModelResource | undefined
  /** The input of `action` on `resource` in the same intent. */
  readonly beside: (resource: string, action: string) => PlainObject | undefined
}

export interface ModelRule {
  readonly from: readonly string[]
  /** Null: the state stays. */
  readonly to: string | null
  readonly agents?: readonly string[]
  readonly commutes?: boolean
  /** Ends the reservation of a lower priority, up to this priority. */
  readonly mostPriority?: number
  /** Takes a resource that has moved on, where other fields moved than it changes. */
  readonly merges?: boolean
  /** What a human must agree to. */
  readonly asks?: (context: RuleContext) => ModelQuestion | null
  /** What it uses up of its agent's budget. */
  readonly amount?: (context: RuleContext) => number
  /** It states a fact: of these fields, at this place in its source's order; who is asked where it contradicts what was committed. */
  readonly fact?: { readonly fields: readonly string[]; readonly version: (input: PlainObject) => number; readonly escalateTo: string }
  /** By when what is done in the world must be reported. */
  readonly reportWithinMs?: number
  /** What is done may be done again: so often is it asked for. Left out: it may not. */
  readonly attempts?: number
  /** The input as the rule uses it; null when it does not fit. */
  readonly input: (input: PlainObject) => PlainObject | null
  readonly guard?: (context: RuleContext) => boolean
  /** The data that follow. `throws`: the code breaks. */
  readonly after: (context: RuleContext) => PlainObject | 'throws'
}

export interface ModelType {
  readonly rules: { readonly [action: string]: ModelRule }
  readonly holds: (data: PlainObject) => boolean
  readonly after?: { readonly [state: string]: { readonly ms: number; readonly action: string } }
  readonly waiting?: { readonly queue: number; readonly bypasses: number; readonly deadlineMs: number }
  /** Who is asked, one after another; left out: the operators, for an hour. */
  readonly levels?: readonly { readonly to: string; readonly withinMs: number }[]
  /** Who asked may approve. */
  readonly mayApproveOwn?: boolean
  readonly contradictions?: { readonly count: number; readonly to: string }
  readonly isShadow?: boolean
}

export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 20
}

export function onlyKeys(input: PlainObject, ...keys: readonly string[]): boolean {
  return Object.keys(input).every((key) => keys.includes(key))
}

export function counted(key: string): (input: PlainObject) => PlainObject | null {
  return (input) => (onlyKeys(input, key) && isCount(input[key]) ? input : null)
}

export function nothing(input: PlainObject): PlainObject | null {
  return Object.keys(input).length === 0 ? input : null
}

export const unchanged: ModelRule['after'] = ({ before }) => before!.data

function moved(key: string, by: string, sign: 1 | -1): ModelRule['after'] {
  return ({ before, input }) => ({ ...before!.data, [key]: (before!.data[key] as number) + sign * (input[by] as number) })
}

const stock: ModelType = {
  rules: {
    open: { from: ['none'], to: 'open', input: counted('capacity'), after: ({ input }) => ({ capacity: input.capacity!, taken: 0 }) },
    take: { from: ['open'], to: null, commutes: true, input: counted('count'), after: moved('taken', 'count', 1) },
    giveBack: { from: ['open', 'closed'], to: null, commutes: true, input: counted('count'), after: moved('taken', 'count', -1) },
    close: { from: ['open'], to: 'closed', agents: ['agent-0', 'agent-1'], input: nothing, after: unchanged },
    reopen: { from: ['closed'], to: 'open', input: nothing, after: unchanged },
  },
  waiting: { queue: 3, bypasses: 2, deadlineMs: 5_000 },
  holds: ({ capacity, taken }) => (taken as number) >= 0 && (taken as number) <= (capacity as number),
}

function deposit(input: PlainObject): PlainObject | null {
  const note = input.note ?? ''
  if (!onlyKeys(input, 'amount', 'note') || !isCount(input.amount) || typeof note !== 'string' || note.length > 200) return null
  return { amount: input.amount, note }
}

const account: ModelType = {
  rules: {
    open: { from: ['none'], to: 'open', input: counted('balance'), after: ({ input }) => ({ balance: input.balance!, note: '' }) },
    deposit: {
      from: ['open', 'frozen'],
      to: null,
      input: deposit,
      after: ({ before, input }) => ({ balance: (before!.data.balance as number) + (input.amount as number), note: input.note! }),
    },
    withdraw: {
      from: ['open'],
      to: null,
      input: counted('amount'),
      amount: ({ input }) => input.amount as number,
      after: moved('balance', 'amount', -1),
    },
    freeze: { from: ['open'], to: 'frozen', input: nothing, after: unchanged },
    thaw: { from: ['frozen'], to: 'open', input: nothing, after: unchanged },
  },
  holds: ({ balance }) => (balance as number) >= 0,
  contradictions: { count: 2, to: 'leads' },
}

function filing(input: PlainObject): PlainObject | null {
  const { account: name, amount } = input
  return onlyKeys(input, 'account', 'amount') && typeof name === 'string' && name.length <= 40 && isCount(amount) ? input : null
}

const claim: ModelType = {
  rules: {
    file: {
      from: ['none'],
      to: 'filed',
      input: filing,
      guard: ({ find, input }) => {
        const seen = find(`account/${input.account}`)
        return seen !== undefined && seen.state === 'open' && (seen.data.balance as number) >= (input.amount as number)
      },
      after: ({ input }) => input,
    },
    settle: {
      from: ['filed'],
      to: 'settled',
      input: nothing,
      guard: ({ before, beside }) => beside(`account/${before!.data.account}`, 'withdraw')?.amount === before!.data.amount,
      after: unchanged,
    },
  },
  holds: () => true,
}

const job: ModelType = {
  rules: {
    create: { from: ['none'], to: 'ready', input: nothing, after: () => ({ runs: 0 }) },
    run: {
      from: ['ready'],
      to: null,
      commutes: true,
      input: counted('size'),
      after: ({ before, input }) => ((input.size as number) % 5 === 0 ? 'throws' : { runs: (before!.data.runs as number) + 1 }),
    },
  },
  holds: () => true,
}

const refund: ModelType = {
  rules: {
    request: { from: ['none'], to: 'requested', input: counted('amount'), after: ({ input }) => input },
    reopen: { from: ['lapsed', 'paid'], to: 'requested', commutes: true, input: nothing, after: unchanged },
    pay: {
      from: ['requested'],
      to: 'paid',
      input: nothing,
      after: unchanged,
      mostPriority: 5,
      asks: ({ before }) => ((before!.data.amount as number) > 14 ? { reason: 'LARGE', to: 'leads', approvals: 1 } : null),
      reportWithinMs: 4_000,
    },
    lapse: { from: ['requested'], to: 'lapsed', agents: ['clock'], input: nothing, after: unchanged },
  },
  holds: () => true,
  after: { requested: { ms: 9_000, action: 'lapse' } },
  levels: [
    { to: 'leads', withinMs: 3_000 },
    { to: 'owner', withinMs: 3_000 },
  ],
}

export const plainTypes: Readonly<Record<string, ModelType>> = { stock, account, claim, job, refund }
