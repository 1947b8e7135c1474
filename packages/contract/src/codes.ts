type CodeMark = 'waitable' | 'limit' | 'moved' | 'elsewhere' | 'undecided' | 'passing' | 'fromOutside'

type CodeProperties = { readonly remembered: boolean; readonly sentence: string } & { readonly [Mark in CodeMark]?: true }

/**
 * The closed set of codes with which an intent is rejected. Each has a page, `docs/codes/CODE.md`.
 *
 * `remembered` says whether the id is used up: the same intent sent again gets the same decision as a duplicate. Codes
 * that say the intent did not get through the door (a wrong partition, an unusable id) leave the id free, so that the
 * mended record can carry it.
 *
 * The other properties are there where they hold. `waitable`: it can still come true, so that an intent may wait. `limit`: a limit
 * turned it away at once, and what it turned away does not count against it. `moved`: observe again, and propose on what is seen.
 * `elsewhere`: it is nothing of this log or partition. `undecided`: the intent itself was not judged; with a new id it may be good. `passing`: the same intent, sent again, may be decided.
 * `fromOutside`: what was pending ended by time, by a human or by its own agent, and by no check.
 */
export const rejectCodes = {
  DEAD_LETTERED: {
    remembered: false,
    sentence: 'The record could not be decoded, or contract code threw; it is kept whole as a dead letter.',
  },
  SKIPPED: { remembered: false, sentence: 'A person passed the record by, unread; it is kept whole as a dead letter.' },
  WRONG_PARTITION: { remembered: false, elsewhere: true, sentence: 'The record lies on a partition that does not hold its scope.' },
  INTENT_MALFORMED: { remembered: false, sentence: 'A field of the intent has no allowed value.' },
  INTENT_ID_INVALID: { remembered: false, sentence: 'The intent id is no UUIDv7 in lower case.' },
  INTENT_EXPIRED: { remembered: false, undecided: true, sentence: 'The intent id is older than ids are remembered.' },
  INTENT_FROM_THE_FUTURE: { remembered: false, passing: true, undecided: true, sentence: 'The intent id is too far ahead of the log.' },
  INTENT_ID_REUSED: { remembered: false, sentence: 'The intent id was used before with another body.' },
  GENERATION_CLOSED: {
    remembered: false,
    undecided: true,
    elsewhere: true,
    sentence: 'The log is closed: it goes on in other topics, and the intent must be sent there.',
  },
  DEADLINE_PASSED: { remembered: true, fromOutside: true, sentence: 'The deadline of the intent had passed.' },
  AGENT_UNKNOWN: { remembered: true, sentence: 'The agent is not one of those that the settings list.' },
  AGENT_NOT_ALLOWED: { remembered: true, sentence: 'The contract does not let this agent take this action.' },
  AGENT_QUARANTINED: { remembered: true, limit: true, sentence: 'The agent is in quarantine: nothing it asks is committed.' },
  BREAKER_OPEN: { remembered: true, limit: true, sentence: 'Too much that the agent asked went wrong in this scope; its breaker is open.' },
  BUDGET_EXCEEDED: { remembered: true, limit: true, sentence: 'The agent has used up its budget in this scope for now.' },
  CHAIN_TOO_DEEP: { remembered: true, sentence: 'The chain of intents, each caused by the one before, is too long.' },
  CORRELATION_EXHAUSTED: { remembered: true, limit: true, sentence: 'One piece of work asked too much in too short a time.' },
  CONTRACT_UNKNOWN: { remembered: true, sentence: 'No contract governs resources of this type.' },
  ACTION_UNKNOWN: { remembered: true, sentence: 'The contract has no such action.' },
  INPUT_INVALID: { remembered: true, sentence: 'The input does not fit what the contract asks for.' },
  RESOURCE_REPEATED: { remembered: true, sentence: 'The intent names one resource twice.' },
  VERSION_REQUIRED: { remembered: true, moved: true, sentence: 'The action needs to know which version the agent reasoned on.' },
  VERSION_FROM_THE_FUTURE: { remembered: true, sentence: 'The intent names a version that does not exist yet.' },
  STALE_VERSION: { remembered: true, moved: true, sentence: 'The resource has moved on from the version that the agent expected.' },
  STALE_READ: { remembered: true, moved: true, sentence: 'Something that the agent had read has moved.' },
  FACT_OUTDATED: { remembered: true, sentence: 'A newer fact of the same source about the resource is known already.' },
  RESERVATION_UNKNOWN: { remembered: true, sentence: 'There is no such reservation on what the intent acts on.' },
  RESERVATION_EXPIRED: { remembered: true, sentence: 'The reservation under which the agent acts has ended.' },
  RESERVED: { remembered: true, waitable: true, sentence: 'The resource is reserved by somebody else.' },
  STATE_CONFLICT: { remembered: true, waitable: true, sentence: 'The resource is in a state from which the action does not lead.' },
  GUARD_REFUSED: { remembered: true, waitable: true, sentence: 'The guard of the contract refused the action.' },
  INVARIANT_VIOLATED: { remembered: true, waitable: true, sentence: 'The result would break an invariant of the contract.' },
  BEHIND_WAITERS: {
    remembered: true,
    waitable: true,
    sentence: 'Others have waited too long for the same action on the resource; they go first.',
  },
  WAIT_QUEUE_FULL: { remembered: true, sentence: 'As many intents wait for the resource as may.' },
  WITHDRAWN: { remembered: true, fromOutside: true, sentence: 'The pending intent was withdrawn.' },
  ESCALATION_DENIED: { remembered: true, fromOutside: true, sentence: 'A human said no.' },
  ESCALATION_EXPIRED: { remembered: true, fromOutside: true, sentence: 'No human answered in time, and that denies.' },
  ESCALATION_AMENDED: { remembered: true, fromOutside: true, sentence: 'A human had something else done in place of the intent.' },
  VERDICT_REFUSED: { remembered: true, sentence: 'The verdict does not fit the world as it is now; the escalation stays open.' },
  RESULT_TOO_LARGE: { remembered: true, sentence: 'The result is larger than one record may write.' },
} as const satisfies Readonly<Record<string, CodeProperties>>

export type RejectCode = keyof typeof rejectCodes

export function isRejectCode(code: string): code is RejectCode {
  return Object.hasOwn(rejectCodes, code)
}

/** Whether a reject uses its intent's id up. A code that this version does not know was written by a newer one: it does. */
export function isRemembered(code: string): boolean {
  return !isRejectCode(code) || rejectCodes[code].remembered
}

/** Whether a property holds of a code. Of one that this version does not know none does: a newer one wrote it. */
export function isMarked(code: string, mark: CodeMark): boolean {
  return isRejectCode(code) && (rejectCodes[code] as CodeProperties)[mark] === true
}

/** The page of a code, relative to the repository. */
export function codePage(code: RejectCode): string {
  return `docs/codes/${code}.md`
}
