/** What the story tells an agent's process to do, and what it answers. An agent decides nothing here: it is the same for all five. */
import type { ProposedAction } from '@signalbox/client'
import type { Decision } from '@signalbox/contract'
import type { AgentName, Plant } from './plan.ts'

export interface AgentPart {
  readonly agent: AgentName
  readonly url: string
  readonly bankUrl: string
  readonly mailUrl: string
  /** Where it notes what it is about to ask, so that it finds its way after a crash; and where packets lie. */
  readonly directory: string
  readonly plant: Plant | null
}

/** At which moment of an effect the process stands still, to be killed there. */
export type Brink = 'before effect' | 'after effect'

export type Order =
  /** Looks, and keeps what it saw in mind. */
  | { readonly do: 'look'; readonly scope: string; readonly see: readonly string[] }
  /** Looks, or goes by what it has in mind; proposes; does in the world what the commit asks for. */
  | {
      readonly do: 'propose'
      readonly scope: string
      readonly see: readonly string[]
      readonly fromMemory?: boolean
      readonly actions: readonly ProposedAction[]
      readonly brink?: Brink
    }
  /** Waits for what a human decides on one of its intents, and does what it asks for. */
  | { readonly do: 'await'; readonly intentId: string }
  /** After a crash: asks what became of what was under way, and does again, under the same key, what may be done again. */
  | { readonly do: 'resume' }
  | { readonly do: 'hand over'; readonly scope: string; readonly task: string; readonly about: readonly string[]; readonly to: AgentName }
  | { readonly do: 'take over'; readonly scope: string; readonly handoff: string }
  /** A bug on purpose: asks nobody. */
  | { readonly do: 'bypass'; readonly scope: string; readonly about: string; readonly amountCents: number }

export type Answer =
  | { readonly decision: Decision | null }
  | { readonly stands: Brink }
  | { readonly packet: { readonly tokens: number; readonly parts: number }; readonly decision: Decision }
  | { readonly failed: string }

export type FromAgent = { readonly ready: true } | { readonly number: number; readonly answer: Answer }
export interface ToAgent {
  readonly number: number
  readonly order: Order
}
