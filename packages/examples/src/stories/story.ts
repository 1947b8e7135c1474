/** A story: what two agents want at the same moment, what would go wrong, and what is decided instead. */
import type { Contract, Decision } from '@signalbox/contract'

export interface Actor {
  readonly agent: string
  /** What it looks at before it thinks. */
  readonly sees: readonly string[]
  /** What it then proposes, one intent after the other, each on what it saw last of the resource it acts on. */
  readonly does: readonly Step[]
}

export interface Step {
  readonly resource: string
  readonly action: string
  readonly input?: Readonly<Record<string, unknown>>
  /** Done in the same intent. */
  readonly together?: readonly Omit<Step, 'together'>[]
}

export interface Story {
  readonly name: string
  readonly title: string
  readonly scope: string
  // biome-ignore lint/suspicious/noExplicitAny: contracts of any types; each was checked when it was defined.
  readonly contracts: readonly Contract<any, any, any>[]
  /** What is there before the two come. */
  readonly setup: readonly { readonly agent: string; readonly steps: readonly Step[] }[]
  /** They race; with `inTurn`, the second still thinks about what it saw while the first acts. */
  readonly actors: readonly [Actor, Actor]
  readonly inTurn?: true
  readonly scene: string
  readonly without: string
  /** The resource that shows how it ended. */
  readonly shows: string
}

/** How a story ended: what each actor was told. */
export interface Ending {
  readonly decisions: readonly { readonly agent: string; readonly decision: Decision }[]
  readonly shown: { readonly resource: string; readonly version: number; readonly state: string; readonly data: unknown }
}
