// Generated from schemas/*.avsc by `npm run generate`. Do not edit.

/** One action on one resource, as an agent asks for it. */
export interface ActionRequest {
  /** The resource inside the scope, as type/id. */
  readonly resource: string
  /** The name of an action of the contract of that type. */
  readonly action: string
  /** The input of the action: a JSON object, validated by the contract. (The space in the default is for Apicurio, which does not take a schema with {} in quotes.) */
  readonly input: string
  /** The version of the resource that the agent reasoned on; 0 where it expects none. Required by actions with conflict policy version on a resource that exists, unless the read set names the resource: a whole number from 0 to 999999999999999. */
  readonly expectedVersion: number | null
}

/** How often an agent ran into commits of another on a resource. */
export interface CarriedContradiction {
  /** The resource, as type/id. */
  readonly resource: string
  /** Who ran into it. */
  readonly agent: string
  /** Whose commit it was. */
  readonly other: string
  /** The window that is counted in: its time by its length. */
  readonly window: number
  /** Times in the window before. */
  readonly before: number
  /** Times in this window. */
  readonly now: number
}

/** How many intents of one piece of work a scope took. */
export interface CarriedCorrelation {
  /** What they have in common. */
  readonly correlationId: string
  /** The window that is counted in: its time by its length. */
  readonly window: number
  /** Intents in the window before. */
  readonly before: number
  /** Intents in this window. */
  readonly now: number
}

/** An agent in quarantine. */
export interface CarriedQuarantine {
  /** The agent. */
  readonly agent: string
  /** Why. */
  readonly reason: string
  /** Since when. */
  readonly since: number
  /** What it wrote from then on is not to be trusted; null where nothing is known to be wrong. */
  readonly taintedSince: number | null
}

/** What an agent's breaker lets through: all, nothing, or a few to try. */
export type BreakerState = 'closed' | 'open' | 'halfOpen'

/** What was counted of an agent in a scope. */
export interface CarriedTally {
  /** The agent. */
  readonly agent: string
  /** The window that is counted in: its time by its length. */
  readonly window: number
  /** Intents in this window. */
  readonly asked: number
  /** Intents in the window before. */
  readonly askedBefore: number
  /** Rejects in this window. */
  readonly rejects: number
  /** Rejects in the window before. */
  readonly rejectsBefore: number
  /** Declared amounts of what was committed in this window. */
  readonly amount: number
  /** Declared amounts in the window before. */
  readonly amountBefore: number
  /** Code and resource of the last reject, where nothing was committed since. */
  readonly repeated: string
  /** How often it came in a row. */
  readonly repeats: number
  /** Intents that wait or are escalated now. */
  readonly pending: number
  /** The agent's breaker in the scope. */
  readonly breaker: BreakerState
}

/** What a pending intent that was carried over has behind it. */
export interface CarriedWait {
  /** The intent; its own event, IntentPending, lies before this one. */
  readonly intentId: string
  /** How often later intents were committed to the same action. */
  readonly bypassed: number
  /** Whether it is to be decided again with the next record. */
  readonly isReady: boolean
}

/** Who owns a contract, and so whom to ask. */
export interface ContractOwner {
  /** The team. */
  readonly team: string
  /** Where the team is reached. */
  readonly contact: string
}

/** A contract by which an owner of a partition decides. */
export interface ContractRecord {
  /** The resource type. */
  readonly type: string
  /** The version of the contract. */
  readonly version: number
  /** SHA-256 of its definition, base64url without padding. */
  readonly digest: string
}

/** A durable timer: what happens to a resource by itself if nothing happens to it before. */
export interface Timer {
  /** When, in logical time: milliseconds since 1970, UTC. */
  readonly due: number
  /** The action that the clock takes then. */
  readonly action: string
}

/** The after-image of one resource that a commit changed. A projection is: state[scope, resource] = change. */
export interface ResourceChange {
  /** The resource inside the scope, as type/id. */
  readonly resource: string
  /** The action that changed it. */
  readonly action: string
  /** The version of the contract that was applied. */
  readonly contractVersion: number
  /** The version before; 0 where the resource did not exist. */
  readonly fromVersion: number
  /** The version now: how often the resource has been committed to. */
  readonly version: number
  /** The state before; null where the resource did not exist. */
  readonly fromState: string | null
  /** The state now. */
  readonly state: string
  /** The data now: a JSON object in RFC 8785 form. */
  readonly data: string
  /** The timer that runs for the resource now; null where none does. */
  readonly timer: Timer | null
  /** The top-level fields of the data that differ from before, sorted; null where no action of the contract merges. */
  readonly fields: readonly string[] | null
}

/** The identity of an event, written partition/offset/index. It names where its intent lay, never where the event lies. */
export interface EventReference {
  /** Source partition: the partition of the intents topic. */
  readonly partition: number
  /** Source offset: the offset of the intent record there; -1 for an event that no intent caused. */
  readonly offset: number
  /** Place among the events of that one intent record, from 0. */
  readonly index: number
}

/** The intent was committed: all its actions were applied. */
export interface IntentCommitted {
  /** The id of the intent. */
  readonly intentId: string
  /** Who asked. */
  readonly agent: string
  /** The canonical intent: its RFC 8785 JSON form without transport fields. */
  readonly intent: string
  /** SHA-256 of the canonical intent, base64url without padding. */
  readonly digest: string
  /** The after-image of every resource that the commit changed, in the order of the actions. */
  readonly changes: readonly ResourceChange[]
  /** The IntentPending event that this decision ends; null where the intent was decided at once. */
  readonly settles: EventReference | null
  /** The escalation under whose verdict it was committed, as type/id. */
  readonly verdict: string | null
  /** The amount that the actions declared, in the unit of their contract; null where none did. */
  readonly amount: number | null
}

/** The commit that moved a resource to where it is now. */
export interface ResourceMove {
  /** The commit event. */
  readonly event: EventReference
  /** The intent that was committed. */
  readonly intentId: string
  /** Who did it. */
  readonly agent: string
  /** By which action. */
  readonly action: string
  /** The version it led to. */
  readonly version: number
  /** When, in logical time. */
  readonly time: number
}

/** The intent was rejected: nothing was applied. Says what to repair. */
export interface IntentRejected {
  /** The id of the intent; null when it could not be decoded. */
  readonly intentId: string | null
  /** Who asked; null when it could not be decoded. */
  readonly agent: string | null
  /** The canonical intent: its RFC 8785 JSON form without transport fields; null when it could not be decoded. */
  readonly intent: string | null
  /** SHA-256 of the canonical intent, base64url without padding; null when it could not be decoded. */
  readonly digest: string | null
  /** The stable code; each has a page in the documentation. */
  readonly code: string
  /** What happened, to what, and what to do next. */
  readonly message: string
  /** The owner of the contract concerned. */
  readonly owner: ContractOwner | null
  /** The resource concerned, as type/id. */
  readonly resource: string | null
  /** The version that the agent expected or had read. */
  readonly expectedVersion: number | null
  /** The version that the resource has. */
  readonly actualVersion: number | null
  /** The commit that moved the resource last. */
  readonly movedBy: ResourceMove | null
  /** The commits to that resource that the agent missed, oldest first; bounded, the newest are kept. */
  readonly missed: readonly ResourceMove[]
  /** When to try again, in milliseconds, where that is known. */
  readonly retryAfterMs: number | null
  /** What else the code has to say, as a JSON object in RFC 8785 form. */
  readonly details: string | null
  /** The IntentPending event that this decision ends; null where the intent was decided at once. */
  readonly settles: EventReference | null
}

/** What became of an intent. */
export type Outcome = 'committed' | 'rejected' | 'pending' | 'shadowed'

/** The record repeats an intent that is known already; this is its decision again, or where it waits for one. */
export interface IntentDuplicated {
  /** The id of the intent. */
  readonly intentId: string
  /** Who asked. */
  readonly agent: string
  /** SHA-256 of the canonical intent, base64url without padding. */
  readonly digest: string
  /** The first and only decision; of an intent that is pending, the event that says so. */
  readonly decision: EventReference
  /** What became of it. */
  readonly outcome: Outcome
  /** The code of the decision when it was a reject. */
  readonly code: string | null
}

/** What a pending intent waits for. */
export type PendingReason = 'waiting' | 'escalated'

/** The intent is not decided yet: it waits for something to come true, or for a human. It ends in exactly one decision, which names this event. */
export interface IntentPending {
  /** The id of the intent. */
  readonly intentId: string
  /** Who asked. */
  readonly agent: string
  /** The canonical intent: its RFC 8785 JSON form without transport fields. */
  readonly intent: string
  /** SHA-256 of the canonical intent, base64url without padding. */
  readonly digest: string
  /** What it waits for: something that can still come true, or a human. */
  readonly reason: PendingReason
  /** The code with which it would have been rejected, or the cause of the escalation. */
  readonly code: string
  /** What is in its way, and what to do. */
  readonly message: string
  /** The resources, as type/id, with whose change it is decided again; empty for an escalated one. */
  readonly resources: readonly string[]
  /** When it is rejected at the latest. */
  readonly until: number
  /** The escalation that decides, as type/id; null for one that waits. */
  readonly escalation: string | null
  /** The first event that said the intent is pending; null where this is it. */
  readonly since: EventReference | null
}

/** The intent was decided in shadow: this is what would have become of it. The state is as it was. */
export interface IntentShadowed {
  /** The id of the intent. */
  readonly intentId: string
  /** Who asked. */
  readonly agent: string
  /** The canonical intent: its RFC 8785 JSON form without transport fields. */
  readonly intent: string
  /** SHA-256 of the canonical intent, base64url without padding. */
  readonly digest: string
  /** What is in shadow: contract TYPE, or agent NAME. */
  readonly by: string
  /** The code with which it would have been rejected or made to wait; null where it would have been committed. */
  readonly code: string | null
  /** The sentence of that reject. */
  readonly message: string | null
  /** The resource that it would have been rejected for, as type/id. */
  readonly resource: string | null
  /** What it would have changed. */
  readonly changes: readonly ResourceChange[]
}

/** A waiting intent that was decided again and cannot be committed yet. */
export interface StillPending {
  /** The id of the intent. */
  readonly intentId: string
  /** The code with which it would have been rejected now. */
  readonly code: string
  /** The resources with whose change it is decided again. */
  readonly resources: readonly string[]
}

/** Intents that wait were decided again, and wait on. */
export interface WaitersExamined {
  /** Those that wait on, in the order in which they came. */
  readonly waiting: readonly StillPending[]
}

/** The rules by which something follows. */
export type Rule = 'timer' | 'breaker' | 'loop' | 'effect' | 'escalation' | 'verdict' | 'contradiction' | 'drift' | 'taint' | 'quarantine' | 'preemption' | 'fact' | 'other'

/** Something followed by a rule, not by the wish of an agent: a timer was due, a breaker opened, an escalation began. */
export interface RuleApplied {
  /** Which rule. */
  readonly rule: Rule
  /** What happened and why, in a sentence. */
  readonly message: string
  /** The intent at whose decision it happened; null where time alone caused it. */
  readonly cause: string | null
  /** The after-image of every resource that changed. */
  readonly changes: readonly ResourceChange[]
  /** The resource concerned, as type/id. */
  readonly resource: string | null
  /** Where a timer could not do what it was to do: the code that says why. The timer is spent. */
  readonly code: string | null
  /** What else the rule has to say, as a JSON object in RFC 8785 form. */
  readonly details: string | null
}

/** A sequencer took ownership of a partition. Everything that an earlier owner wrote lies before it. */
export interface PartitionOpened {
  /** The contracts by which it decides, by type. */
  readonly contracts: readonly ContractRecord[]
  /** Name and version of the program. */
  readonly software: string
}

/** A commit to a resource, as far as agents are told of it later. */
export interface PastChange {
  /** The event that committed it. */
  readonly event: EventReference
  /** When, in logical time. */
  readonly time: number
  /** The intent that was committed; of a rule, the one that it followed. */
  readonly intentId: string
  /** Who asked; clock or signalbox where a rule did it. */
  readonly agent: string
  /** The action. */
  readonly action: string
  /** The version that it led to. */
  readonly version: number
  /** The top-level fields of the data that it changed; null where no action of the contract merges. */
  readonly fields: readonly string[] | null
}

/** An agent whose writing a resource stands on: it was read or acted on, by whoever changed the resource. */
export interface Influence {
  /** The agent, in lower case. */
  readonly agent: string
  /** When it last wrote what the resource stands on, in logical time. */
  readonly time: number
}

/** The last changes of a resource that was carried over: what an agent missed, and who moved it. */
export interface ResourceHistory {
  /** The changes of the last run, oldest first. */
  readonly changes: readonly PastChange[]
  /** The changes of the run before it, oldest first. */
  readonly olderChanges: readonly PastChange[]
  /** Whose writing it stands on, besides that of who changed it last; sorted by name. */
  readonly influences: readonly Influence[]
}

/** Part of what a scope was when its log went on in other topics: of it, the first events of its new partition are made. An intent that was pending then has an event of its own, IntentPending, before this one. A scope of many resources has several of these. */
export interface ScopeCarried {
  /** Whether the resources are those of contracts in shadow: nothing of them is in force. */
  readonly isShadow: boolean
  /** Resources as they were, each as if its last change had made it. */
  readonly changes: readonly ResourceChange[]
  /** The last changes of each, in the order of changes. */
  readonly histories: readonly ResourceHistory[]
  /** Of the intents that are pending in the scope. */
  readonly waiting: readonly CarriedWait[]
  /** What was counted of agents. */
  readonly tallies: readonly CarriedTally[]
  /** Who ran into whom. */
  readonly contradictions: readonly CarriedContradiction[]
  /** What pieces of work asked. */
  readonly correlations: readonly CarriedCorrelation[]
  /** Whether anything was ever reserved in the scope. */
  readonly hasReservations: boolean
}

/** The last time that an agent was put in quarantine: what it held before then is not its own any more. */
export interface LastQuarantine {
  /** The agent. */
  readonly agent: string
  /** The event that put it there. */
  readonly event: EventReference
}

/** How far an intent is from the first of its chain. */
export interface IntentLink {
  /** The intent. */
  readonly intentId: string
  /** Intents before it in its chain, each of which caused the next. */
  readonly depth: number
  /** When it was decided. */
  readonly time: number
}

/** Part of what concerns all of a partition whose log goes on from other topics. One is its first event and names where the numbers of its intents begin; one, with isLast, ends what was carried over: before that nothing may be decided. */
export interface PartitionCarried {
  /** Where the log was before: on Kafka, the topic prefix. */
  readonly from: string
  /** How many partitions it had there. */
  readonly fromPartitions: number
  /** Where source offsets began: in each log that this one goes on from, oldest first, and last in this one. It begins above all that there were before, so that no identity comes twice. */
  readonly begins: readonly number[]
  /** The contracts by which it was decided last. */
  readonly contracts: readonly ContractRecord[]
  /** Agents in quarantine. */
  readonly quarantines: readonly CarriedQuarantine[]
  /** When agents were put there last. */
  readonly lastQuarantines: readonly LastQuarantine[]
  /** Chains of intents that are still followed. */
  readonly links: readonly IntentLink[]
  /** The codes that ids names by number; the first is empty, for what was committed. */
  readonly codes: readonly string[]
  /** Intent ids that are remembered, base64. Each takes 42 bytes, big-endian: 16 of the id, 15 of the SHA-256 of its body, then its decision: partition (2), offset (6), index (1), and the number of its code (2). */
  readonly ids: string
  /** Whether all that is carried over lies before. */
  readonly isLast: boolean
}

/** Which record the payload is, for readers whose Avro library does not say. */
export type EventType = 'IntentCommitted' | 'IntentRejected' | 'IntentDuplicated' | 'IntentPending' | 'IntentShadowed' | 'WaitersExamined' | 'RuleApplied' | 'PartitionOpened' | 'ScopeCarried' | 'PartitionCarried'

/** What every Event has. */
export interface EventBase {
  /** Source partition. */
  readonly partition: number
  /** Source offset: the offset of the intent record that caused it; -1 where none did (an opening, or what was carried over from other topics). */
  readonly offset: number
  /** Place among the events of that one intent record, from 0, in the order in which they happened; where no record caused it, among what was carried over, else 0. */
  readonly index: number
  /** Logical time: the highest append time of the intents up to this one; 0 for an opening. */
  readonly time: number
  /** The scope; empty where the event concerns the whole partition or the scope could not be decoded. */
  readonly scope: string
}

export type IntentCommittedEvent = EventBase & { readonly type: 'IntentCommitted'; readonly payload: IntentCommitted }
export type IntentRejectedEvent = EventBase & { readonly type: 'IntentRejected'; readonly payload: IntentRejected }
export type IntentDuplicatedEvent = EventBase & { readonly type: 'IntentDuplicated'; readonly payload: IntentDuplicated }
export type IntentPendingEvent = EventBase & { readonly type: 'IntentPending'; readonly payload: IntentPending }
export type IntentShadowedEvent = EventBase & { readonly type: 'IntentShadowed'; readonly payload: IntentShadowed }
export type WaitersExaminedEvent = EventBase & { readonly type: 'WaitersExamined'; readonly payload: WaitersExamined }
export type RuleAppliedEvent = EventBase & { readonly type: 'RuleApplied'; readonly payload: RuleApplied }
export type PartitionOpenedEvent = EventBase & { readonly type: 'PartitionOpened'; readonly payload: PartitionOpened }
export type ScopeCarriedEvent = EventBase & { readonly type: 'ScopeCarried'; readonly payload: ScopeCarried }
export type PartitionCarriedEvent = EventBase & { readonly type: 'PartitionCarried'; readonly payload: PartitionCarried }

/** A fact. Its identity is (partition, offset, index); what surrounds it in the log (epoch, chain, log offset) is not part of it. */
export type Event = IntentCommittedEvent | IntentRejectedEvent | IntentDuplicatedEvent | IntentPendingEvent | IntentShadowedEvent | WaitersExaminedEvent | RuleAppliedEvent | PartitionOpenedEvent | ScopeCarriedEvent | PartitionCarriedEvent

/** One entry of a read set: a version that the reasoning behind an intent was based on. */
export interface Read {
  /** The resource inside the scope, as type/id. */
  readonly resource: string
  /** The version that was seen; 0 where the resource did not exist: a whole number from 0 to 999999999999999. */
  readonly version: number
}

/** What to do when the intent cannot be committed now. */
export type OnConflict = 'reject' | 'wait' | 'escalate'

/** An agent's request to apply one or more actions, all or nothing, to resources of one scope. */
export interface Intent {
  /** UUIDv7 in lower case. The same id with the same body is the same intent, however often it is sent. */
  readonly intentId: string
  /** The conflict domain and partition key: all that happens in one scope is in one total order. */
  readonly scope: string
  /** Who asks. */
  readonly agent: string
  /** What is asked for; applied together or not at all. */
  readonly actions: readonly ActionRequest[]
  /** The read set: versions, in the same scope, that the reasoning was based on. */
  readonly reads: readonly Read[]
  /** Names the piece of work that this intent belongs to, across agents and scopes. */
  readonly correlationId: string
  /** The intent or event that caused this intent. */
  readonly causationId: string | null
  /** Decided later than this, the intent is rejected. Milliseconds since 1970, UTC: a whole number from 0 to 253402300799999. */
  readonly deadline: number | null
  /** Higher goes first where a contract allows it; capped by the contract: a whole number from -1000000 to 1000000. */
  readonly priority: number | null
  /** The agent's own confidence: a number from 0 to 1. */
  readonly confidence: number | null
  /** What to do when the intent cannot be committed now. */
  readonly onConflict: OnConflict
  /** The reservation under which the agent acts. */
  readonly reservation: string | null
  /** Why, in the agent's own words. */
  readonly note: string | null
  /** Proof of who sent the intent. A transport field: not part of the body that is compared and embedded. */
  readonly signature: string | null
  /** How far the intent that caused this one is from the first of its chain, where the sender knows it: a whole number from 0 to 1000000. It travels with the cause from partition to partition; a gateway fills it in. Embedded with the intent, and no part of the body that is compared. */
  readonly causationDepth: number | null
}
