import type { Containment, Limits } from '@signalbox/contract'
import type { PreparedContracts } from './prepared.ts'

/** Everything besides state and record that a decision depends on. */
export interface Rules {
  /** Made by `preparedContracts`. */
  readonly contracts: PreparedContracts
  readonly limits: Limits
  readonly containment: Containment
  readonly partitionCount: number
  /** Names of the agents that may act at all, `*` at the end stands for any rest. Null: whoever is well-named. */
  readonly agents: readonly string[] | null
  /** SHA-256 of a text's UTF-8 bytes as base64url without padding. Injected: the core has no imports from its host. */
  readonly sha256: (text: string) => string
}
