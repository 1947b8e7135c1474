/** Bugs in a log that is closed, and in what is carried over into another, each with the check that must find it. */
import { type Event, rejectCodes } from '@signalbox/contract'
import { Carrier, PartitionState } from '@signalbox/core'
import { Undecided } from '@signalbox/follow-ups'
import { OldLog } from '@signalbox/generation'
import { MemoryLogStore } from '@signalbox/log-memory'
import { builtIns } from '../../../packages/core/src/built-in/index.ts'
import { generation } from '../../../packages/core/src/examine/checks/door.ts'
import type { BugToFind } from './bug.ts'
import { withPart } from './coordination.ts'
import { replace } from './modules.ts'

type Undo = () => void
type Method = (this: object, ...parameters: unknown[]) => unknown
type Payload = Readonly<Record<string, unknown>>

/** Some of the code does not see that the log is closed: what is called so, or lies there. */
function closedUnseenBy(caller: RegExp): Undo {
  const { coordination } = new PartitionState(0, { identityHorizonMs: 1, missed: 1, windowMs: 1 })
  return replace(Object.getPrototypeOf(coordination) as object, 'closed', (before) => ({
    ...before,
    get() {
      const closed = before.get!.call(this)
      return closed !== null && caller.test(new Error().stack!.split('\n')[2]!) ? null : closed
    },
  }))
}

function withMember(owner: object, name: string, value: unknown): Undo {
  return replace(owner, name, (before) => ({ ...before, value }))
}

function withMethod(prototype: object, name: string, change: (before: Method) => Method): Undo {
  return replace(prototype, name, (before) => ({ ...before, value: change(before.value as Method) }))
}

/** The first that comes to a closed log is decided all the same. */
function withOneMore(): Undo {
  const passed = new WeakMap<object, number>()
  return withMember(
    generation,
    'run',
    ((run) => (examination: Parameters<typeof generation.run>[0]) => {
      const { coordination } = examination.state
      const rejection = run(examination)
      if (rejection === null || passed.get(coordination) === coordination.closed?.sinceMs) return rejection
      passed.set(coordination, coordination.closed!.sinceMs)
      return null
    })(generation.run),
  )
}

/** What the log turned away is taken for decided. */
function withTurnedAwayForgotten(): Undo {
  return withMethod(
    Undecided.prototype,
    'take',
    (take) =>
      function (event) {
        const taken = take.call(this, event)
        const { payload, type } = event as Event
        if (type === 'IntentRejected' && payload.code === 'GENERATION_CLOSED') (this as Undecided).decided(payload.intentId!)
        return taken
      },
  )
}

/** What is carried over, with something of it changed; null: left out. */
function carrying(change: (event: Event) => Event | null): Undo {
  const changed = (method: Method): Method =>
    function* (...parameters) {
      for (const event of method.apply(this, parameters) as Iterable<Event>) {
        const next = change(event)
        if (next !== null) yield next
      }
    }
  const undo = [withMethod(Carrier.prototype, 'take', changed), withMethod(Carrier.prototype, 'finish', changed)]
  return () => {
    for (const each of undo) each()
  }
}

function carryingWithout(type: Event['type'], values: (payload: Payload) => Payload): Undo {
  return carrying((event) =>
    event.type === type ? ({ ...event, payload: { ...event.payload, ...values(event.payload as never) } } as Event) : event,
  )
}

function each(list: unknown, values: Payload): unknown {
  return (list as readonly Payload[]).map((one) => ({ ...one, ...values }))
}

const closing: readonly BugToFind[] = [
  { name: 'a timer fires in a closed log', foundBy: 'laws', install: () => closedUnseenBy(/ (decide|fireDue) /) },
  { name: 'who waits is decided in the record that closes the log', foundBy: 'laws', install: () => closedUnseenBy(/at \S*decide\.ts/) },
  { name: 'what a closed log rejects is counted', foundBy: 'model', install: () => closedUnseenBy(/ noteReject /) },
  {
    name: 'the id of what a closed log turned away is used up',
    foundBy: 'model',
    install: () => withMember(rejectCodes.GENERATION_CLOSED, 'remembered', true),
  },
  { name: 'follow-ups that a closed log turned away are lost', foundBy: 'laws', install: withTurnedAwayForgotten },
  {
    name: 'anyone closes a log',
    foundBy: 'model',
    install: () => withMember(builtIns.find(({ contract }) => contract.type === 'generation')!.contract.actions.close!, 'by', null),
  },
  { name: 'a closed log decides one more', foundBy: 'laws', install: withOneMore },
  {
    name: 'a log that was opened again stays closed',
    foundBy: 'settles',
    install: () =>
      withPart(
        'coordination',
        'setClosed',
        (set) =>
          function (closed) {
            if (closed !== null) set.call(this, closed)
          },
      ),
  },
]

const moving: readonly BugToFind[] = [
  {
    name: 'who waits is not carried over',
    foundBy: 'model',
    install: () => carrying((event) => (event.type === 'IntentPending' ? null : event)),
  },
  { name: 'ids are not carried over', foundBy: 'model', install: () => carryingWithout('PartitionCarried', () => ({ ids: '' })) },
  {
    name: 'leases are not carried over as such',
    foundBy: 'model',
    install: () => carryingWithout('ScopeCarried', () => ({ hasReservations: false })),
  },
  {
    name: 'how often somebody was passed by is not carried over',
    foundBy: 'carried',
    install: () => carryingWithout('ScopeCarried', ({ waiting }) => ({ waiting: each(waiting, { bypassed: 0 }) })),
  },
  {
    name: 'timers are not carried over',
    foundBy: 'laws',
    install: () => carryingWithout('ScopeCarried', ({ changes }) => ({ changes: each(changes, { timer: null }) })),
  },
  {
    name: 'what was counted is not carried over',
    foundBy: 'model',
    install: () => carryingWithout('ScopeCarried', () => ({ tallies: [] })),
  },
  {
    name: 'what is on trial comes into force when it is carried over',
    foundBy: 'read models',
    install: () => carryingWithout('ScopeCarried', () => ({ isShadow: false })),
  },
  {
    name: 'quarantines are not carried over',
    foundBy: 'model',
    install: () => carryingWithout('PartitionCarried', () => ({ quarantines: [] })),
  },
  {
    name: 'follow-ups without a decision are not carried over',
    foundBy: 'laws',
    install: () => withMethod(OldLog.prototype, 'followUps', () => () => []),
  },
  {
    name: 'dead letters are not carried over',
    foundBy: 'dead letters',
    install: () => withMethod(MemoryLogStore.prototype, 'appendLettersAt', () => () => undefined),
  },
  {
    name: 'quarantines on their way are not asked for again',
    foundBy: 'laws',
    install: () => withMethod(Carrier.prototype, 'quarantineGaps', () => () => []),
  },
]

export const aroundGenerations: readonly BugToFind[] = [...closing, ...moving]
