/** What a human is asked to agree to: what the intent asks, what it acts on and has read, and what would become of it. */
import { type AskedResource, canonicalize, type EscalationData } from '@signalbox/contract'
import type { Examination, PlannedAction } from '../examine/examination.ts'

type Asked = NonNullable<EscalationData['asked']>
type Versions = EscalationData['versions']

/** Characters of inputs and data that an escalation carries; what has no room is left out, and its digest stands for it. */
const mostCharacters = 48 * 1024

/** Takes texts of JSON as long as there is room. */
class Room {
  #left = mostCharacters
  isEnough = true

  take(text: string): AskedResource['data'] {
    if (text.length > this.#left || depthOf(text) > mostDepth) {
      this.isEnough = false
      return null
    }
    this.#left -= text.length
    return JSON.parse(text)
  }
}

/** JSON nests at most 64 deep, and what is shown lies some levels within an escalation. */
const mostDepth = 48

function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  for (const [sign] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/g)) {
    if (sign === '[' || sign === '{') deepest = Math.max(deepest, ++depth)
    else if (sign === ']' || sign === '}') depth--
  }
  return deepest
}

export function askedOf(examination: Examination): Asked {
  const { digest, intent, planned, rules } = examination
  const room = new Room()
  const actions = intent.actions.map(({ action, input, resource }) => ({ resource, action, input: room.take(input) }))
  const seen = (resource: string, each?: PlannedAction): AskedResource => {
    const current = examination.current(resource)
    return {
      resource,
      version: current?.version ?? 0,
      state: current?.state ?? null,
      data: current === undefined ? null : room.take(current.data),
      dataDigest: current === undefined ? null : rules.sha256(current.data),
      after: each === undefined ? null : afterOf(each, room, rules.sha256),
    }
  }
  const acted = planned.map((each) => seen(each.request.resource, each))
  const names = new Set(acted.map(({ resource }) => resource))
  const read = intent.reads.filter(({ resource }) => !names.has(resource)).map(({ resource }) => seen(resource))
  return {
    intent: digest,
    note: intent.note,
    confidence: intent.confidence,
    actions,
    resources: [...acted, ...read],
    isComplete: room.isEnough,
  }
}

/** Null where nothing would come of it as the world is: a check before stands in its way. */
function afterOf({ after, prepared }: PlannedAction, room: Room, sha256: (text: string) => string): AskedResource['after'] {
  if (after === null) return null
  const { state, text } = after
  return { action: prepared.name, state, data: room.take(text), dataDigest: sha256(text) }
}

/** Of all that a human is shown: a verdict repeats it. */
export function digestOf(versions: Versions, asked: Asked | null, sha256: (text: string) => string): string {
  return sha256(canonicalize({ asked, versions }))
}
