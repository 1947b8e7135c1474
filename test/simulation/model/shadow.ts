/** What is on trial: decided, and not in force. */
import type { Containment } from '@signalbox/contract'
import { shadowOf } from './ledger.ts'
import { modelTypes } from './more-rules.ts'
import type { Subject } from './planned.ts'

export function typeName(resource: string): string {
  return resource.slice(0, resource.indexOf('/'))
}

function isOnTrial(resource: string): boolean {
  return modelTypes.get(typeName(resource))?.isShadow === true
}

/** Where a resource of a scope is. */
export function worldOf(scope: string, resource: string): string {
  return isOnTrial(resource) ? shadowOf(scope) : scope
}

/** What of an intent is on trial, as far as it was planned; null: nothing. */
export function onTrial({ intent, planned }: Subject, { shadowAgents }: Containment): string | null {
  const found = planned.find(({ action }) => isOnTrial(action.resource))
  if (found !== undefined) return `contract ${typeName(found.action.resource)}`
  return shadowAgents.includes(intent.agent) ? `agent ${intent.agent}` : null
}
