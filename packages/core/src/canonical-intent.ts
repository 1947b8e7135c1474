import { type ActionRequest, canonicalString, type Intent, JsonError, type Read } from '@signalbox/contract'

/**
 * The RFC 8785 form of an intent without its transport fields (the signature). Equal to `canonicalize(intentToJson(intent))`
 * without them, which a property test holds; written out because every intent passes here. Inputs are canonical already.
 * `isWellFormed` says that names have passed the well-formed check and the id is a UUID, so that they hold nothing to escape.
 * Throws JsonError for what JSON cannot hold.
 */
export function canonicalIntent(intent: Intent, isWellFormed = false): string {
  const { actions, causationId, confidence, correlationId, deadline, intentId, note, priority, reads, reservation } = intent
  const id = isWellFormed ? `"${intentId}"` : canonicalString(intentId, 'intentId')
  let text = '{"actions":['
  for (let index = 0; index < actions.length; index++) text += (index === 0 ? '' : ',') + actionText(actions[index]!, isWellFormed)
  text += `],"agent":${isWellFormed ? `"${intent.agent}"` : canonicalString(intent.agent, 'agent')}`
  if (causationId !== null) text += `,"causationId":${canonicalString(causationId, 'causationId')}`
  if (confidence !== null) text += `,"confidence":${numberText(confidence, 'confidence')}`
  text += `,"correlationId":${correlationId === intentId ? id : canonicalString(correlationId, 'correlationId')}`
  if (deadline !== null) text += `,"deadline":${numberText(deadline, 'deadline')}`
  text += `,"intentId":${id}`
  if (note !== null) text += `,"note":${canonicalString(note, 'note')}`
  text += `,"onConflict":"${intent.onConflict}"`
  if (priority !== null) text += `,"priority":${numberText(priority, 'priority')}`
  text += ',"reads":['
  for (let index = 0; index < reads.length; index++) text += (index === 0 ? '' : ',') + readText(reads[index]!)
  text += ']'
  if (reservation !== null) text += `,"reservation":${canonicalString(reservation, 'reservation')}`
  return `${text},"scope":${canonicalString(intent.scope, 'scope')}}`
}

function actionText({ action, expectedVersion, input, resource }: ActionRequest, isWellFormed: boolean): string {
  const expected = expectedVersion === null ? '' : `"expectedVersion":${numberText(expectedVersion, 'expectedVersion')},`
  return `{"action":${isWellFormed ? `"${action}"` : canonicalString(action, 'action')},${expected}"input":${input},"resource":${canonicalString(resource, 'resource')}}`
}

function readText({ resource, version }: Read): string {
  return `{"resource":${canonicalString(resource, 'resource')},"version":${numberText(version, 'version')}}`
}

// A double that JSON cannot hold must not get into the text.
function numberText(value: number, path: string): string {
  if (!Number.isFinite(value)) throw new JsonError(path, `is ${value}, which JSON has no number for`)
  return `${value === 0 ? 0 : value}`
}
