/** What an older version of a contract wrote, as a newer one understands it. */
import type { JsonObject } from './canonical.ts'

export interface UpcastResource {
  readonly state: string
  readonly data: JsonObject
}

export interface UpcastAction {
  readonly action: string
  readonly input: JsonObject
}

/** From one version to the next. What is left out stays as it is. Pure, like all contract code. */
export interface UpcastStep {
  /** Of a resource that the older version committed to: its state and data. */
  readonly resource?: (old: UpcastResource) => UpcastResource
  /** Of an intent that was made for the older version and is sent again, as a dead letter is: the action and its input. */
  readonly action?: (old: UpcastAction) => UpcastAction
}

/** By the version from which a step leads to the next. */
export type Upcast = Readonly<Record<number, UpcastStep>>

/** Of a contract, what takes older versions to its own. */
export interface Upcasting {
  readonly version: number
  readonly upcast: Upcast
}

/** A resource as the contract understands it, given the version that wrote it. Runs contract code. */
export function upcastResource({ upcast, version }: Upcasting, from: number, old: UpcastResource): UpcastResource {
  let resource = old
  for (let step = from; step < version; step++) resource = upcast[step]?.resource?.(resource) ?? resource
  return resource
}

/** An action as the contract understands it, given the version that it was made for. Runs contract code. */
export function upcastAction({ upcast, version }: Upcasting, from: number, old: UpcastAction): UpcastAction {
  let action = old
  for (let step = from; step < version; step++) action = upcast[step]?.action?.(action) ?? action
  return action
}
