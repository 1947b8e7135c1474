/** Bugs in waiting, time, leases, limits, work, verdicts and transfers, each with the check that must find it. */
import type { BugToFind } from './bug.ts'
import { nothing, passes, withBuiltIn, withoutInfluences, withPart, withTrialsInForce } from './coordination.ts'
import { withoutCheck } from './modules.ts'

const waitingAndTime: readonly BugToFind[] = [
  { name: 'reservations are not checked', foundBy: 'model', install: () => withoutCheck('reservations') },
  { name: 'quarantine is not looked at', foundBy: 'model', install: () => withoutCheck('agent') },
  { name: 'no contract asks for a human', foundBy: 'model', install: () => withoutCheck('escalation') },
  { name: 'timers do not fire', foundBy: 'laws', install: () => withPart('timers', 'due', () => () => []) },
  { name: 'a waiter is not woken', foundBy: 'laws', install: () => withPart('pending', 'wake', nothing) },
  { name: 'quarantine is not kept', foundBy: 'model', install: () => withPart('coordination', 'setQuarantine', nothing) },
  { name: 'a lease is given to a second', foundBy: 'laws', install: () => withBuiltIn('reservation', 'take', 'check', passes) },
  { name: 'anyone releases a lease', foundBy: 'model', install: () => withBuiltIn('reservation', 'release', 'check', passes) },
  { name: 'a lease is renewed after its end', foundBy: 'model', install: () => withBuiltIn('reservation', 'renew', 'check', passes) },
  { name: 'anyone delegates a lease', foundBy: 'model', install: () => withBuiltIn('reservation', 'delegate', 'check', passes) },
  { name: 'a fencing token does not rise', foundBy: 'laws', install: () => withBuiltIn('reservation', 'take', 'apply', withoutRise) },
  { name: 'anyone withdraws an intent', foundBy: 'model', install: () => withBuiltIn('intent', 'withdraw', 'check', passes) },
  {
    name: 'an effect that goes unreported is forgotten',
    foundBy: 'laws',
    install: () => withBuiltIn('effect', 'lapse', 'follow', nothing),
  },
  { name: 'anyone reports an effect', foundBy: 'model', install: () => withBuiltIn('effect', 'done', 'check', passes) },
  { name: 'a settled intent stays pending', foundBy: 'settles', install: () => withPart('pending', 'end', nothing) },
  { name: 'nobody waits their turn', foundBy: 'model', install: () => withoutCheck('turn') },
  { name: 'who is passed by is not counted', foundBy: 'model', install: () => withPart('pending', 'bypass', nothing) },
]

const limits: readonly BugToFind[] = [
  { name: 'a breaker holds nothing back', foundBy: 'laws', install: () => withPart('tallies', 'get', always({ breaker: 'closed' })) },
  { name: 'rejects are not counted', foundBy: 'model', install: () => withPart('tallies', 'reject', nothing) },
  {
    name: 'a breaker is never tried again',
    foundBy: 'laws',
    install: () => withBuiltIn('agent', 'try', 'apply', made({ state: 'active' })),
  },
  { name: 'the budget of intents is not looked at', foundBy: 'laws', install: () => withoutCheck('budget') },
  { name: 'the budget of amounts is not looked at', foundBy: 'model', install: () => withoutCheck('amount') },
  {
    name: 'the budget of pending intents is not looked at',
    foundBy: 'laws',
    install: () => withPart('tallies', 'get', always({ pending: 0 })),
  },
  { name: 'chains are as long as they like', foundBy: 'laws', install: () => withoutCheck('chain') },
  { name: 'what causes an intent is forgotten', foundBy: 'model', install: () => withPart('coordination', 'setLink', nothing) },
  {
    name: 'intents of one correlation are not counted',
    foundBy: 'model',
    install: () => withPart('coordination', 'setCorrelation', nothing),
  },
  {
    name: 'nobody says that a piece of work asks too much',
    foundBy: 'model',
    install: () => withBuiltIn('correlation', 'tell', 'apply', made({}, { exhausted: null })),
  },
  {
    name: 'a piece of work that asks too much goes on elsewhere',
    foundBy: 'model',
    install: () => withPart('coordination', 'setExhausted', nothing),
  },
  { name: 'contradictions are not counted', foundBy: 'model', install: () => withPart('coordination', 'setContradictions', nothing) },
  { name: 'nothing is tainted', foundBy: 'laws', install: () => withPart('coordination', 'setQuarantine', untainted) },
  { name: 'taint is washed off by who builds on it', foundBy: 'model', install: withoutInfluences },
  { name: 'every chain is one step long', foundBy: 'model', install: () => withPart('coordination', 'setLink', oneStep) },
  { name: 'a lease comes back with its holder', foundBy: 'model', install: () => withPart('coordination', 'setLastQuarantine', nothing) },
  { name: 'what is on trial comes into force', foundBy: 'model', install: withTrialsInForce },
]

const work: readonly BugToFind[] = [
  { name: 'a task is claimed by a second', foundBy: 'laws', install: () => withBuiltIn('task', 'claim', 'check', passes) },
  { name: 'the token of a task does not rise', foundBy: 'laws', install: () => withBuiltIn('task', 'claim', 'apply', withoutRise) },
  { name: 'anyone finishes a task', foundBy: 'model', install: () => withBuiltIn('task', 'done', 'check', passes) },
  { name: 'a task that nobody finishes is forgotten', foundBy: 'model', install: () => withBuiltIn('task', 'lapse', 'follow', nothing) },
  { name: 'a handoff is accepted unread', foundBy: 'laws', install: () => withBuiltIn('handoff', 'accept', 'check', passes) },
  { name: 'a handoff leaves the task where it was', foundBy: 'model', install: () => withBuiltIn('handoff', 'accept', 'follow', nothing) },
  { name: 'a task goes over any number of hops', foundBy: 'model', install: () => withBuiltIn('handoff', 'offer', 'check', passes) },
  { name: 'facts are taken in any order', foundBy: 'laws', install: () => withoutCheck('fact') },
  { name: 'edits of the same field are merged', foundBy: 'model', install: () => withoutCheck('merge') },
]

const people: readonly BugToFind[] = [
  { name: 'a verdict is not decided again', foundBy: 'model', install: () => withBuiltIn('escalation', 'approve', 'check', passes) },
  {
    name: 'one person is a quorum',
    foundBy: 'laws',
    install: () => withBuiltIn('escalation', 'approve', 'apply', made({ state: 'resolved' }, { verdict: 'approved' })),
  },
  { name: 'a no denies nothing', foundBy: 'model', install: () => withBuiltIn('escalation', 'reject', 'follow', nothing) },
  { name: 'what nobody answers waits for ever', foundBy: 'laws', install: () => withBuiltIn('escalation', 'lapse', 'follow', nothing) },
  { name: 'an amendment is not carried out', foundBy: 'model', install: () => withBuiltIn('escalation', 'amend', 'follow', nothing) },
]

const transfers: readonly BugToFind[] = [
  {
    name: 'a transfer is done although a leg was refused',
    foundBy: 'laws',
    install: () => withBuiltIn('transfer', 'refused', 'apply', made({ state: 'done' })),
  },
  { name: 'a transfer that is stuck asks nobody', foundBy: 'laws', install: () => withBuiltIn('transfer', 'stuck', 'follow', nothing) },
  {
    name: 'a transfer waits for a leg for ever',
    foundBy: 'laws',
    install: () => withBuiltIn('transfer', 'released', 'apply', made({ state: 'releasing' })),
  },
]

type Method = (this: object, ...parameters: unknown[]) => unknown

/** With these values in place of what it gives. */
function always(values: object) {
  return (get: Method): Method =>
    function (...parameters) {
      return { ...(get.apply(this, parameters) as object), ...values }
    }
}

function made(values: object, dataToo: object = {}) {
  return (apply: Method): Method =>
    function (...parameters) {
      const before = apply.apply(this, parameters) as { readonly data: object }
      return { ...before, ...values, data: { ...before.data, ...dataToo } }
    }
}

function withoutRise(apply: Method): Method {
  return made({}, { token: 1 })(apply)
}

function oneStep(set: Method): Method {
  return function (intentId, link) {
    return set.call(this, intentId, { ...(link as object), depth: 1 })
  }
}

function untainted(set: Method): Method {
  return function (agent, quarantine) {
    return set.call(this, agent, quarantine === undefined ? undefined : { ...(quarantine as object), taintedSinceMs: null })
  }
}

export const inCoordination: readonly BugToFind[] = [...waitingAndTime, ...limits, ...work, ...people, ...transfers]
