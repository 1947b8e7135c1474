/** What the contracts mean that are about coordination: facts and edits that merge, consent of several people, a contract on trial. */
import type { PlainObject } from './intent.ts'
import { counted, isCount, type ModelRule, type ModelType, nothing, onlyKeys, plainTypes, unchanged } from './rules.ts'

function stated(input: PlainObject): PlainObject | null {
  return onlyKeys(input, 'price', 'version') && isCount(input.price) && isCount(input.version) ? input : null
}

function edit(field: string): ModelRule {
  return {
    from: ['known'],
    to: null,
    merges: true,
    input: counted(field),
    after: ({ before, input }) => ({ ...before!.data, [field]: input[field]! }),
  }
}

const listing: ModelType = {
  rules: {
    state: {
      from: ['none', 'known'],
      to: 'known',
      commutes: true,
      input: stated,
      fact: { fields: ['price'], version: ({ version }) => version as number, escalateTo: 'buyers' },
      after: ({ before, input }) => ({ rank: before?.data.rank ?? 1, stars: before?.data.stars ?? 1, price: input.price! }),
    },
    reprice: edit('price'),
    promote: edit('rank'),
    rate: edit('stars'),
  },
  holds: () => true,
}

const payout: ModelType = {
  rules: {
    ask: { from: ['none'], to: 'asked', input: counted('amount'), after: ({ input }) => input },
    raise: {
      from: ['asked'],
      to: null,
      input: counted('amount'),
      after: ({ input }) => input,
    },
    pay: {
      from: ['asked'],
      to: 'paid',
      input: nothing,
      after: unchanged,
      amount: ({ before }) => before!.data.amount as number,
      reportWithinMs: 3_000,
      attempts: 2,
      asks: ({ before }) => {
        const amount = before!.data.amount as number
        if (amount > 10) return { reason: 'BOTH', to: 'board', approvals: 2 }
        return amount > 5 ? { reason: 'ONE', to: 'board', approvals: 1 } : null
      },
    },
    reset: { from: ['paid'], to: 'asked', commutes: true, input: nothing, after: unchanged },
  },
  holds: () => true,
  levels: [{ to: 'leads', withinMs: 9_000 }],
  mayApproveOwn: true,
}

const trial: ModelType = {
  rules: {
    begin: { from: ['none'], to: 'running', input: counted('size'), after: ({ input }) => input },
    grow: {
      from: ['running'],
      to: null,
      commutes: true,
      input: counted('size'),
      after: ({ before, input }) => ({ size: (before!.data.size as number) + (input.size as number) }),
    },
    pause: { from: ['running'], to: 'paused', commutes: true, input: nothing, after: unchanged },
  },
  holds: ({ size }) => (size as number) <= 30,
  after: { running: { ms: 5_000, action: 'pause' } },
  isShadow: true,
}

export const modelTypes: ReadonlyMap<string, ModelType> = new Map(Object.entries({ ...plainTypes, listing, payout, trial }))

/** The contract that governs a resource; of a lease, that of what is leased. */
export function governing(resource: string): ModelType | undefined {
  const name = resource.replace(/^reservation\//, '')
  return modelTypes.get(name.slice(0, name.indexOf('/')))
}
