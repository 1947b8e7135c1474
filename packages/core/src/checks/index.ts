/** The checks of a decision, in their order. The first that fails names the reject. */
import type { Check } from '../check.ts'
import { contract } from './contract.ts'
import { agent, deadline, identity, onConflict, partition, wellFormed } from './door.ts'
import { apply, guards, invariants, size, states } from './outcome.ts'
import { reads, reservations, versions } from './versions.ts'

// A duplicate is answered right after the identity check: nothing that follows concerns it.
export const doorChecks: readonly Check[] = [partition, wellFormed, identity]
export const decisionChecks: readonly Check[] = [
  deadline,
  agent,
  onConflict,
  contract,
  versions,
  reads,
  reservations,
  states,
  guards,
  apply,
  invariants,
  size,
]
