/** What an agent that goes wrong asks for, again and again; and what of it would have reached the world. */
import type { ProposedAction } from '@signalbox/client'
import type { AgentName, Mistake } from './plan.ts'
import { approval, mailOf, requested } from './steps.ts'

export interface Wrong {
  readonly says: string
  readonly sees: readonly string[]
  /** Moves what the agent has in mind, so that what it goes by is stale. */
  readonly moves: { readonly agent: AgentName; readonly sees: readonly string[]; readonly actions: readonly ProposedAction[] } | null
  readonly actions: (attempt: number) => readonly ProposedAction[]
}

type Cents = { readonly four: number; readonly six: number }

const denies = { agent: 'policy', sees: ['refund/5'], actions: [{ resource: 'refund/5', action: 'deny' }] } as const
const loses = { agent: 'intake', sees: ['shipment/5'], actions: [{ resource: 'shipment/5', action: 'lose' }] } as const

/** Case 4 is over: paid, and the customer told. Refund 5 is approved, its goods on the way; refund 6 is asked for, of the same order. */
export function wrongOf(agent: AgentName, mistake: Exclude<Mistake, 'crash'>, cents: Cents): Wrong {
  const one = (action: ProposedAction) => () => [action]
  const still = (says: string, sees: readonly string[], actions: Wrong['actions']): Wrong => ({ says, sees, moves: null, actions })
  const wrongs: Readonly<Record<AgentName, Readonly<Record<Exclude<Mistake, 'crash'>, Wrong>>>> = {
    refund: {
      twice: still('pays a refund that is paid', ['refund/4', 'shipment/4'], one({ resource: 'refund/4', action: 'pay' })),
      loop: still('pays, and does not wait for the goods', ['refund/5', 'shipment/5'], one({ resource: 'refund/5', action: 'pay' })),
      stale: {
        says: 'pays by what it saw before policy denied it',
        sees: ['refund/5', 'shipment/5'],
        moves: denies,
        actions: one({ resource: 'refund/5', action: 'pay' }),
      },
    },
    email: {
      twice: still('writes the same mail again', ['mail/4-paid'], one(mailOf(4, 'paid', 'Your money is on its way.'))),
      loop: still('reminds a customer who owes nothing', ['refund/4'], (attempt) => [mailOf(4, `reminder-${attempt}`, 'Are you there?')]),
      stale: {
        says: 'promises money by what it saw before policy denied it',
        sees: ['refund/5'],
        moves: denies,
        actions: one(mailOf(5, 'approved', 'Your refund is approved.')),
      },
    },
    policy: {
      twice: still('approves a refund that is paid', ['refund/4'], () => approval(4, 4, cents.four)),
      loop: still('approves, and does not charge the order', ['refund/6'], () => approval(6, 5, cents.six).slice(0, 1)),
      stale: {
        says: 'approves by what it saw before the parcel was lost',
        sees: ['refund/6', 'shipment/5'],
        moves: loses,
        actions: () => approval(6, 5, cents.six),
      },
    },
    warehouse: {
      twice: still('books the same parcel in again', ['shipment/4'], one({ resource: 'shipment/4', action: 'receive' })),
      loop: still('pays a refund, which is not its to pay', ['refund/5'], one({ resource: 'refund/5', action: 'pay' })),
      stale: {
        says: 'books a parcel in by what it saw before it was lost',
        sees: ['shipment/5'],
        moves: loses,
        actions: one({ resource: 'shipment/5', action: 'receive' }),
      },
    },
    intake: {
      twice: still('asks for the money of one order twice', ['order/4'], one(requested('4-again', 4, cents.four))),
      loop: still(
        'takes the same order down again',
        ['order/4'],
        one({ resource: 'order/4', action: 'place', input: { cents: cents.four } }),
      ),
      stale: {
        says: 'takes money off an order by what it saw before policy charged it',
        sees: ['order/5'],
        moves: { agent: 'policy', sees: ['refund/6', 'order/5'], actions: approval(6, 5, cents.six) },
        actions: one({ resource: 'order/5', action: 'settle', input: { cents: 100 } }),
      },
    },
  }
  return wrongs[agent][mistake]
}
