import { type ActionRequest, canonicalString, type Intent, type Read } from '@signalbox/contract'

/**
 * The RFC 8785 form of an intent without its transport fields (the signature). Equal to `canonicalize(intentToJson(intent))`
 * without them, which a property test holds; written out because every intent passes here. Inputs are canonical already.
 */
export function canonicalIntent(intent: Intent): string {
  let text = '{"actions":['
  for (let index = 0; index < intent.actions.length; index++) text += index === 0 ? action(intent.actions[index]!) : `,${action(intent.actions[index]!)}`
  text += `],"agent":${canonicalString(intent.agent)}`
  if (intent.causationId !== null) text += `,"causationId":${canonicalString(intent.causationId)}`
  if (intent.confidence !== null) text += `,"confidence":${intent.confidence === 0 ? 0 : intent.confidence}`
  text += `,"correlationId":${canonicalString(intent.correlationId)}`
  if (intent.deadline !== null) text += `,"deadline":${intent.deadline}`
  text += `,"intentId":${canonicalString(intent.intentId)}`
  if (intent.note !== null) text += `,"note":${canonicalString(intent.note)}`
  text += `,"onConflict":"${intent.onConflict}"`
  if (intent.priority !== null) text += `,"priority":${intent.priority}`
  text += ',"reads":['
  for (let index = 0; index < intent.reads.length; index++) text += index === 0 ? read(intent.reads[index]!) : `,${read(intent.reads[index]!)}`
  text += ']'
  if (intent.reservation !== null) text += `,"reservation":${canonicalString(intent.reservation)}`
  return `${text},"scope":${canonicalString(intent.scope)}}`
}

function action({ action, expectedVersion, input, resource }: ActionRequest): string {
  const expected = expectedVersion === null ? '' : `"expectedVersion":${expectedVersion},`
  return `{"action":${canonicalString(action)},${expected}"input":${input},"resource":${canonicalString(resource)}}`
}

function read({ resource, version }: Read): string {
  return `{"resource":${canonicalString(resource)},"version":${version}}`
}
