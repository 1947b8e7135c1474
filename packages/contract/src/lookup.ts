/**
 * What somebody looks for: an answer that is empty says that there is nothing, so a name that nothing can have is refused, with the
 * nearest one where the names are known. Each problem is a sentence that follows the text; null where it may be found.
 */
import { lengths } from './bounds.ts'
import { rejectCodes } from './codes.ts'
import { agentNameText, isActionName, isAgentName, isResourceType, resourceNameProblem } from './identifiers.ts'
import { nameProblem } from './name-text.ts'
import { nearest } from './shape.ts'
import { idProblem, isUuidV7 } from './uuid.ts'

export type LookedFor = 'scope' | 'agent' | 'resource' | 'type' | 'state' | 'code' | 'intentId' | 'traceId'

export const lookupProblem: Readonly<Record<LookedFor, (text: string) => string | null>> = {
  scope: (text) => nameProblem(text, lengths.scope),
  agent: (text) => (isAgentName(text) ? null : `is no name of an agent; give ${agentNameText}`),
  resource: resourceNameProblem,
  type: (text) =>
    isResourceType(text) ? null : `is no type; give up to ${lengths.resourceType} lower-case letters, digits and dashes, a letter first`,
  state: (text) =>
    isActionName(text)
      ? null
      : `is no state; give up to ${lengths.action} letters from A to Z, digits, dashes and underscores, a letter first`,
  code: (text) =>
    Object.hasOwn(rejectCodes, text)
      ? null
      : `is no code of a reject; ${nearestOf(text, Object.keys(rejectCodes), 'docs/codes lists them')}`,
  intentId: (text) => (isUuidV7(text) ? null : idProblem(text, 'give the id of an intent as it was sent')),
  traceId: (text) => nameProblem(text, lengths.traceId),
}

/** Like `did you mean 'STALE_READ'?`; `otherwise` where none is near. */
export function nearestOf(text: string, known: readonly string[], otherwise: string): string {
  const near = nearest(text, known)
  return near === null ? otherwise : `did you mean '${near}'?`
}
