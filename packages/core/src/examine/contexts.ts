/**
 * What contract code is called with. One instance for each call, made of references alone: what is seldom asked for
 * (`read`, `alongside`) is made when it is. An instance that contract code keeps is of no use to it once the decision has
 * been made: reading through it is a fault, as it would see a state that a replay does not have at that point.
 */
import { type JsonObject, none, type ReadResource, type ResourceView } from '@signalbox/contract'
import { ContractFault } from '../rules/sandbox.ts'
import type { Examination, PlannedAction } from './examination.ts'

/** Of a guard and of `apply`. */
export class ActionContext {
  readonly #examination: Examination
  readonly #planned: PlannedAction
  readonly input: unknown
  readonly data: unknown

  constructor(examination: Examination, planned: PlannedAction) {
    this.#examination = examination
    this.#planned = planned
    this.input = planned.input
    this.data = planned.data
  }

  get state(): string {
    return this.#planned.before?.state ?? none
  }

  get version(): number {
    return this.#planned.before?.version ?? 0
  }

  get scope(): string {
    return this.#examination.intent.scope
  }

  get resource(): string {
    return this.#planned.request.resource
  }

  get id(): string {
    return this.#planned.id
  }

  get agent(): string {
    return this.#examination.intent.agent
  }

  get confidence(): number | null {
    return this.#examination.intent.confidence
  }

  get nowMs(): number {
    return this.#examination.nowMs
  }

  get read(): ReadResource {
    return reader(this.#examination, false)
  }

  get alongside(): (resource: string, action: string) => JsonObject | undefined {
    const examination = this.#examination
    return (resource, action) => {
      const other = examination.plannedFor(resource)
      return other !== undefined && other.request.action === action ? (other.input as JsonObject) : undefined
    }
  }
}

/** Of an invariant. */
export class InvariantContext {
  readonly #examination: Examination
  readonly #planned: PlannedAction
  readonly data: unknown

  constructor(examination: Examination, planned: PlannedAction) {
    this.#examination = examination
    this.#planned = planned
    this.data = planned.after!.data
  }

  get state(): string {
    return this.#planned.after!.state
  }

  get id(): string {
    return this.#planned.id
  }

  get read(): ReadResource {
    return reader(this.#examination, true)
  }
}

/** Reads a resource of the scope, as it was before the intent or as it would be after it. */
function reader(examination: Examination, after: boolean): ReadResource {
  const read = (target: string | { readonly type: string }, id?: string): ResourceView => {
    if (examination.isOver)
      throw new ContractFault('contract code kept `read` and called it after its decision; read what it needs each time')
    const resource = typeof target === 'string' ? target : `${target.type}/${id}`
    examination.noteRead(resource)
    const planned = after ? examination.plannedFor(resource) : undefined
    // Parsed from text each time: contract code may keep or change what it gets.
    if (planned?.after != null) return view((planned.before?.version ?? 0) + 1, planned.after.state, planned.after.text)
    const current = examination.current(resource)
    return current === undefined ? missing : view(current.version, current.state, current.data)
  }
  return read as ReadResource
}

const missing: ResourceView = Object.freeze({ exists: false, version: 0, state: none, data: undefined })

function view(version: number, state: string, text: string): ResourceView {
  return { exists: true, version, state, data: JSON.parse(text) as JsonObject }
}
