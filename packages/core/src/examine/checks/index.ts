/** The checks of a decision, in their order. The first that fails names the reject. */
import type { Check } from '../check.ts'
import { agent, budget, chain, deadline } from './agent.ts'
import { amount } from './amount.ts'
import { contract } from './contract.ts'
import { generation, identity, partition, wellFormed } from './door.ts'
import { escalation } from './escalation.ts'
import { fact } from './fact.ts'
import { merge } from './merge.ts'
import { apply, guards, invariants, states } from './outcome.ts'
import { reservations } from './reservations.ts'
import { size } from './size.ts'
import { turn } from './turn.ts'
import { reads, versions } from './versions.ts'

// A duplicate is answered whatever stands behind the identity check: nothing that follows concerns it.
export const doorChecks: readonly Check[] = [partition, wellFormed, identity, generation]
export const decisionChecks: readonly Check[] = [
  deadline,
  agent,
  budget,
  chain,
  contract,
  fact,
  versions,
  reads,
  reservations,
  turn,
  states,
  guards,
  amount,
  apply,
  merge,
  invariants,
  escalation,
  size,
]

/** Of what the clock does: nobody asked for it, so that nobody's identity, budget or reading is in question. */
export const clockChecks: readonly Check[] = [contract, states, guards, apply, invariants, size]
