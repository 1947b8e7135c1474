import type { ContractOwner, JsonObject, RejectCode } from '@signalbox/contract'
import type { ResourceState } from '../state/resource.ts'

/** Why an intent cannot be committed, with what its agent needs to repair it. */
export interface Rejection {
  readonly code: RejectCode
  /** What happened, to what, and what to do next. */
  readonly message: string
  readonly owner?: ContractOwner
  readonly resource?: string
  readonly expectedVersion?: number
  readonly actualVersion?: number
  /** The resource as it is: tells who moved it, and what the agent missed since `expectedVersion`. */
  readonly current?: ResourceState
  readonly details?: JsonObject
  /** When it may come true, where that is known. */
  readonly retryAfterMs?: number
}
