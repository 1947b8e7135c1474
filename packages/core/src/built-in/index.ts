import { agent } from './agent.ts'
import { allowance } from './allowance.ts'
import type { BuiltIn } from './built-in.ts'
import { clock } from './clock.ts'
import { correlation } from './correlation.ts'
import { deadLetter } from './dead-letter.ts'
import { effect } from './effect.ts'
import { escalation } from './escalation/escalation.ts'
import { generation } from './generation.ts'
import { handoff } from './handoff.ts'
import { intent } from './intent.ts'
import { reservation } from './reservation.ts'
import { source } from './source.ts'
import { task } from './task.ts'
import { transfer } from './transfer.ts'

/** Signalbox's own contracts, by type. */
export const builtIns: readonly BuiltIn[] = [
  agent,
  allowance,
  clock,
  correlation,
  deadLetter,
  effect,
  escalation,
  generation,
  handoff,
  intent,
  reservation,
  source,
  task,
  transfer,
]
