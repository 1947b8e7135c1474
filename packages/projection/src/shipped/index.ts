/** The projections that every Signalbox has. */
import type { Projection } from '../definition/projection.ts'
import { agents } from './agents.ts'
import { auditTrail } from './audit-trail.ts'
import { contention } from './contention.ts'
import { decisions } from './decisions.ts'
import { escalations } from './escalations.ts'
import { resources } from './resources.ts'

export const shippedProjections: readonly Projection[] = [resources, agents, decisions, escalations, contention, auditTrail]
