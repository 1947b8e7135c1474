/**
 * The packet compiler: what the receiver of a piece of work must know, within a budget. Pure: the same values, in any
 * order, give the same bytes.
 */
import { canonicalize, utf8Length } from '@signalbox/contract'
import type { PacketInput } from './input.ts'
import { type Omission, type OmissionReason, type OmissionSummary, omissionReasons, type Packet, packetFormat } from './packet.ts'
import { PacketError, type Size } from './packet-error.ts'
import { type Prepared, prepare, referencesOf } from './prepare.ts'
import {
  canonicalTask,
  footer,
  omissionsHeading,
  renderFetch,
  renderHead,
  renderMore,
  renderOmission,
  renderPacket,
  renderPart,
} from './render.ts'
import { type MeasuredPart, type OmittedPart, plus, type Selection, select } from './select.ts'
import type { Tokenizer } from './tokenizer.ts'

/** SHA-256 of a text's UTF-8 bytes, base64url without padding. */
export type Sha256 = (text: string) => string

export interface PacketTools {
  readonly tokenizer: Tokenizer
  readonly sha256: Sha256
}

export interface Compilation {
  readonly packet: Packet
  /** The rendered packet: what `totals` counts and what the receiver reads. */
  readonly text: string
  /** All that was left out, by rank, those included that the packet only counts. */
  readonly omissions: readonly Omission[]
}

// A tokenizer that counts a text higher than its pieces makes the first choice too large; each round takes off what was over.
const maxRounds = 16
const nothing: Size = { tokens: 0, bytes: 0 }

function omissionOf({ part, reason }: OmittedPart, input: PacketInput): Omission {
  const { reference, size } = part
  return { reference, reason, ...size, fetch: input.fetch.part.replaceAll('{reference}', () => reference) }
}

function summaryOf(omitted: readonly OmittedPart[]): OmissionSummary | null {
  const counted = omitted.filter(({ isNamed }) => !isNamed)
  if (counted.length === 0) return null
  const size = counted.reduce((sum, { part }) => plus(sum, part.size), nothing)
  const reasons: { [Reason in OmissionReason]?: number } = {}
  for (const reason of omissionReasons) {
    const count = counted.filter((omitted) => omitted.reason === reason).length
    if (count > 0) reasons[reason] = count
  }
  return { count: counted.length, ...size, reasons }
}

type Draft = Omit<Packet, 'digest' | 'totals'>

interface Attempt {
  readonly draft: Draft
  readonly text: string
  readonly size: Size
  readonly omitted: readonly OmittedPart[]
}

class Compiler {
  readonly #input: PacketInput
  readonly #tools: PacketTools
  readonly #prepared: Prepared
  readonly #ranked: readonly MeasuredPart[]
  readonly #frame: Size
  readonly #reserve: Size

  constructor(input: PacketInput, tools: PacketTools) {
    this.#tools = tools
    this.#prepared = prepare(input)
    this.#input = { ...input, task: canonicalTask(input.task) }
    this.#ranked = this.#prepared.parts.map((part) => ({ ...part, size: this.#measure(renderPart(part)) }))
    this.#frame = plus(this.#measure(renderHead(this.#input)), this.#measure(footer))
    this.#reserve = [omissionsHeading, renderMore(this.#ranked.length), renderFetch(input.fetch)]
      .map((text) => this.#measure(text))
      .reduce(plus)
  }

  compile(): Compilation {
    const { packet: draft, attempt } = this.#choose()
    const totals = { ...attempt.size, parts: draft.parts.length, omitted: attempt.omitted.length }
    const content = { ...draft, totals }
    const packet = { ...content, digest: this.#tools.sha256(canonicalize(content)) }
    return { packet, text: attempt.text, omissions: attempt.omitted.map((omitted) => omissionOf(omitted, this.#input)) }
  }

  #choose(): { packet: Draft; attempt: Attempt } {
    const { budget } = this.#input
    const whole = this.#attempt(nothing, budget)
    if (whole.omitted.length === 0 && this.#isWithin(whole.size)) return { packet: whole.draft, attempt: whole }
    let allowance = budget
    for (let round = 0; round < maxRounds; round++) {
      const attempt = this.#attempt(this.#reserve, allowance)
      if (this.#isWithin(attempt.size)) return { packet: attempt.draft, attempt }
      allowance = {
        tokens: allowance.tokens - Math.max(0, attempt.size.tokens - budget.tokens),
        bytes: allowance.bytes - Math.max(0, attempt.size.bytes - budget.bytes),
      }
    }
    const least = this.#attempt(this.#reserve, nothing)
    if (this.#isWithin(least.size)) return { packet: least.draft, attempt: least }
    throw this.#impossible(this.#smaller(least))
  }

  #attempt(reserve: Size, allowance: Size): Attempt {
    const selection = select(this.#ranked, {
      frame: this.#frame,
      reserve,
      allowance,
      omissionLine: (part, reason) => this.#measure(renderOmission({ reference: part.reference, reason, ...part.size })),
    })
    const draft = this.#draft(selection)
    const text = renderPacket(draft)
    return { draft, text, size: this.#measure(text), omitted: selection.omitted }
  }

  #draft({ included, omitted }: Selection): Draft {
    const { scope, position, time, task, budget, fetch } = this.#input
    return {
      format: packetFormat,
      scope,
      position,
      time,
      task,
      tokenizer: this.#tools.tokenizer.name,
      budget: { tokens: budget.tokens, bytes: budget.bytes },
      parts: included.map(({ reference, reason, json, size }) => ({ reference, reason, json, ...size })),
      references: referencesOf(included, this.#prepared.versions),
      omitted: {
        named: omitted.filter(({ isNamed }) => isNamed).map((one) => omissionOf(one, this.#input)),
        more: summaryOf(omitted),
        fetch: { part: fetch.part, rest: fetch.rest },
      },
    }
  }

  /** Where little is optional, all of it may take less room than the news that it is missing. */
  #smaller(least: Attempt): Size {
    const whole = this.#attempt(nothing, { tokens: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER })
    const isSmaller = whole.omitted.length === 0 && whole.size.tokens <= least.size.tokens && whole.size.bytes <= least.size.bytes
    return isSmaller ? whole.size : least.size
  }

  #impossible(least: Size): PacketError {
    const { budget } = this.#input
    const required = this.#ranked.filter(({ reason }) => reason === 'REQUIRED').length
    const over = (['tokens', 'bytes'] as const)
      .filter((unit) => least[unit] > budget[unit])
      .map((unit) => `${least[unit] - budget[unit]} ${unit} over the budget of ${budget[unit]}`)
    return new PacketError(
      'BUDGET_IMPOSSIBLE',
      `the required parts (${required}) and the frame of the packet are ${over.join(' and ')}; raise the budget to ${least.tokens} tokens and ${least.bytes} bytes, or require less`,
      { needed: least },
    )
  }

  #measure(text: string): Size {
    return { tokens: this.#tools.tokenizer.count(text), bytes: utf8Length(text) }
  }

  #isWithin({ tokens, bytes }: Size): boolean {
    return tokens <= this.#input.budget.tokens && bytes <= this.#input.budget.bytes
  }
}

/** Compiles a packet. Throws PacketError; with BUDGET_IMPOSSIBLE nothing was cut in silence, and `needed` says what would do. */
export function compilePacket(input: PacketInput, tools: PacketTools): Compilation {
  return new Compiler(input, tools).compile()
}
