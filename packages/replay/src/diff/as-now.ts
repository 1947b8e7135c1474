/** What was asked and written by older versions of contracts, as a candidate understands it. What fails in its code stays as it was. */
import {
  type ContractRecord,
  type ContractSet,
  canonicalize,
  type Event,
  type Intent,
  type JsonObject,
  upcastActions,
} from '@signalbox/contract'

type Asked = Intent['actions'][number]

export class AsNow {
  readonly #contracts: ContractSet
  // Of intents that are other ones now: sent again under newer contracts, they must be the same again.
  readonly #made = new Map<string, { readonly original: string; readonly intent: Intent }>()

  constructor(contracts: ContractSet) {
    this.#contracts = contracts
  }

  intent(intent: Intent, recorded: readonly ContractRecord[]): Intent {
    if (!this.#contracts.hasUpcasts) return intent
    const original = JSON.stringify(intent)
    const before = this.#made.get(intent.intentId)
    if (before?.original === original) return before.intent
    const actions = intent.actions.map((asked) => this.#action(asked, recorded))
    if (actions.every((asked, index) => asked === intent.actions[index])) return intent
    const made = { ...intent, actions }
    this.#made.set(intent.intentId, { original, intent: made })
    return made
  }

  /** What waits is decided again as the intent that it would be now. */
  pending(event: Event, recorded: readonly ContractRecord[]): Event {
    if (event.type !== 'IntentPending' || !this.#contracts.hasUpcasts) return event
    const intent = JSON.parse(event.payload.intent) as JsonObject
    return { ...event, payload: { ...event.payload, intent: canonicalize({ ...intent, actions: this.#inJson(intent.actions, recorded) }) } }
  }

  #action(asked: Asked, recorded: readonly ContractRecord[]): Asked {
    // What a human has done in place of an intent is asked in the words of the same time.
    if (asked.action === 'amend' && asked.resource.startsWith('escalation/')) {
      const input = JSON.parse(asked.input) as JsonObject
      return { ...asked, input: canonicalize({ ...input, actions: this.#inJson(input.actions ?? [], recorded) }) }
    }
    try {
      return upcastActions(this.#contracts, recorded, [asked])[0]!
    } catch {
      return asked
    }
  }

  #inJson(actions: JsonObject[string] | undefined, recorded: readonly ContractRecord[]): JsonObject[string] {
    return (actions as readonly (JsonObject & { resource: string; action: string; input?: JsonObject })[]).map((each) => {
      const { action, input } = this.#action({ ...each, input: JSON.stringify(each.input ?? {}), expectedVersion: null }, recorded)
      return { ...each, action, input: JSON.parse(input) as JsonObject }
    })
  }
}
