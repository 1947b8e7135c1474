import { type ActionRequest, canonicalString, type Intent, isUnescaped, JsonError, type Read } from '@signalbox/contract'

/**
 * The RFC 8785 form of an intent without its transport fields (the signature). Equal to `canonicalize(intentToJson(intent))`
 * without them, which a property test holds; written out because every intent passes here. Inputs are canonical already.
 * `isWellFormed` says that names have passed the well-formed check and the id is a UUID, so that they hold nothing to escape.
 * Throws JsonError for what JSON cannot hold.
 */
export function canonicalIntent(intent: Intent, isWellFormed = false): string {
  const { agent, correlationId, intentId, reads } = intent
  const id = isWellFormed ? intentId : unquoted(intentId, 'intentId')
  const correlation = correlationId === intentId ? id : unquoted(correlationId, 'correlationId')
  const who = isWellFormed ? agent : unquoted(agent, 'agent')
  const scope = unquoted(intent.scope, 'scope')
  const actions = actionTexts(intent.actions, isWellFormed)
  if (reads.length > 0 || hasOptionalField(intent)) {
    return `{"actions":[${actions}],"agent":"${who}"${afterAgent(intent)},"correlationId":"${correlation}"${afterCorrelation(intent)},"intentId":"${id}"${afterId(intent)},"onConflict":"${intent.onConflict}"${afterConflict(intent)},"reads":[${readTexts(reads)}]${afterReads(intent)},"scope":"${scope}"}`
  }
  // Of few parts, joined in pairs: a text is put together when it is hashed, and that takes the longer the deeper it nests.
  const beginning = `{"actions":[${actions}` + `],"agent":"${who}`
  const middle = `","correlationId":"${correlation}` + `","intentId":"${id}`
  const end = `","onConflict":"${intent.onConflict}` + `","reads":[],"scope":"${scope}"}`
  return beginning + (middle + end)
}

function hasOptionalField({ causationDepth, causationId, confidence, deadline, note, priority, reservation }: Intent): boolean {
  return (
    causationDepth !== null ||
    causationId !== null ||
    confidence !== null ||
    deadline !== null ||
    note !== null ||
    priority !== null ||
    reservation !== null
  )
}

// The optional fields, each where it stands in the order of keys.

function afterAgent({ causationDepth, causationId, confidence }: Intent): string {
  if (causationDepth === null && causationId === null && confidence === null) return ''
  const depth = causationDepth === null ? '' : `,"causationDepth":${numberText(causationDepth, 'causationDepth')}`
  const causation = causationId === null ? '' : `,"causationId":${canonicalString(causationId, 'causationId')}`
  return confidence === null ? depth + causation : `${depth}${causation},"confidence":${numberText(confidence, 'confidence')}`
}

function afterCorrelation({ deadline }: Intent): string {
  return deadline === null ? '' : `,"deadline":${numberText(deadline, 'deadline')}`
}

function afterId({ note }: Intent): string {
  return note === null ? '' : `,"note":${canonicalString(note, 'note')}`
}

function afterConflict({ priority }: Intent): string {
  return priority === null ? '' : `,"priority":${numberText(priority, 'priority')}`
}

function afterReads({ reservation }: Intent): string {
  return reservation === null ? '' : `,"reservation":${canonicalString(reservation, 'reservation')}`
}

function actionTexts(actions: readonly ActionRequest[], isWellFormed: boolean): string {
  if (actions.length === 0) return ''
  let text = actionText(actions[0]!, isWellFormed)
  for (let index = 1; index < actions.length; index++) text += `,${actionText(actions[index]!, isWellFormed)}`
  return text
}

function actionText({ action, expectedVersion, input, resource }: ActionRequest, isWellFormed: boolean): string {
  const expected = expectedVersion === null ? '"input":' : `"expectedVersion":${numberText(expectedVersion, 'expectedVersion')},"input":`
  const name = isWellFormed ? action : unquoted(action, 'action')
  const beginning = `{"action":"${name}",${expected}`
  const end = `${input},"resource":"${unquoted(resource, 'resource')}"}`
  return beginning + end
}

function readTexts(reads: readonly Read[]): string {
  let text = ''
  for (let index = 0; index < reads.length; index++) {
    const { resource, version } = reads[index]!
    text += `${index === 0 ? '' : ','}{"resource":"${unquoted(resource, 'resource')}","version":${numberText(version, 'version')}}`
  }
  return text
}

/** What stands between the quotes of a JSON string: nearly always the text itself. */
function unquoted(text: string, path: string): string {
  return isUnescaped(text) ? text : canonicalString(text, path).slice(1, -1)
}

// A number that not every reader of JSON holds exactly must not get into the text: `canonicalize` refuses it too.
function numberText(value: number, path: string): string {
  if (!(value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER))
    throw new JsonError(path, `is ${value}, which JSON has no number for that every reader holds exactly`)
  return `${value === 0 ? 0 : value}`
}

/**
 * What the digest of an intent is of: its canonical form without what a gateway may have filled in, so that the same intent sent over
 * another gateway is the same.
 */
export function digestedText(intent: Intent, canonical: string, isWellFormed = false): string {
  return intent.causationDepth === null ? canonical : canonicalIntent({ ...intent, causationDepth: null }, isWellFormed)
}
