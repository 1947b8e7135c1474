/** What holds of every packet, whatever it is compiled from. */
import fc from 'fast-check'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import {
  type Compilation,
  compilePacket,
  digestOf,
  inclusionReasons,
  type Packet,
  type PacketError,
  type PacketInput,
  type PacketTools,
  partJson,
  partReference,
  renderPacket,
} from '../src/index.ts'
import { oddTokenizers, packetInputs } from './arbitraries.ts'
import { refusal, sha256, tools } from './support.ts'

const real = await tools()
const anyTools: fc.Arbitrary<PacketTools> = fc.constantFrom(real, ...oddTokenizers.map((tokenizer) => ({ tokenizer, sha256 })))

/** The packet, or null where the budget is impossible. */
function compile(input: PacketInput, using: PacketTools): Compilation | null {
  try {
    return compilePacket(input, using)
  } catch (error) {
    if ((error as PacketError).code === 'BUDGET_IMPOSSIBLE') return null
    throw error
  }
}

/** Asks a law of random packets: by default of every tokenizer. */
function check(
  law: (compiled: Compilation, input: PacketInput, using: PacketTools) => void,
  tokenizers: fc.Arbitrary<PacketTools> = anyTools,
): void {
  let compiled = 0
  fc.assert(
    fc.property(packetInputs, tokenizers, (input, using) => {
      const compilation = compile(input, using)
      if (compilation === null) return
      compiled++
      law(compilation, input, using)
    }),
    { numRuns: 200 },
  )
  // A law that is only ever asked of impossible budgets would say nothing.
  expect(compiled).toBeGreaterThan(50)
}

describe('every packet', () => {
  it('is within its budget, and its totals are those of its text, exactly', () => {
    check(({ packet, text }, { budget }, { tokenizer }) => {
      expect(renderPacket(packet)).toBe(text)
      expect(packet.totals.tokens).toBe(tokenizer.count(text))
      expect(packet.totals.bytes).toBe(Buffer.byteLength(text))
      expect(packet.totals.tokens).toBeLessThanOrEqual(budget.tokens)
      expect(packet.totals.bytes).toBeLessThanOrEqual(budget.bytes)
    })
  })

  it('counts as the encoding itself counts', () => {
    check(({ packet, text }) => {
      expect(packet.totals.tokens).toBe(countTokens(text, { disallowedSpecial: new Set() }))
    }, fc.constant(real))
  })

  it('has what is required, whole', () => {
    check(({ packet }, { required, candidates }) => {
      const parts = new Map(packet.parts.map(({ reference, json }) => [reference, json]))
      for (const candidate of candidates) {
        const json = parts.get(partReference(candidate))
        if (required.includes(partReference(candidate))) expect(json).toBeDefined()
        if (json !== undefined) expect(json).toBe(partJson(candidate))
      }
    })
  })

  it('includes every candidate, leaves it out by name, or counts it; and nothing twice', () => {
    check(({ packet, omissions }, { candidates }) => {
      const { named, more } = packet.omitted
      const told = [...packet.parts, ...named].map(({ reference }) => reference)
      const all = candidates.map(partReference)
      expect(new Set(told).size).toBe(told.length)
      expect(all).toEqual(expect.arrayContaining(told))
      expect(told.length + (more?.count ?? 0)).toBe(new Set(all).size)
      expect(packet.totals).toMatchObject({ parts: packet.parts.length, omitted: named.length + (more?.count ?? 0) })
      expect([...packet.parts, ...omissions].map(({ reference }) => reference).sort()).toEqual([...new Set(all)].sort())
      if (more !== null) {
        const counted = omissions.filter(({ reference }) => !told.includes(reference))
        expect(counted.length).toBe(more.count)
        expect(counted.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(more.tokens)
        for (const [reason, count] of Object.entries(more.reasons))
          expect(counted.filter((omission) => omission.reason === reason).length).toBe(count)
      }
    })
  })

  it('is in the order of the ranks, and names no more than twenty omissions', () => {
    check(({ packet }) => {
      const ranks = packet.parts.map(({ reason }) => inclusionReasons.indexOf(reason))
      expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
      expect(packet.omitted.named.length).toBeLessThanOrEqual(20)
    })
  })

  it('gives for every omission a reason that is true', () => {
    check(({ packet, omissions }, { candidates, budget }, { tokenizer }) => {
      const included = new Map(packet.parts.map((part) => [part.reference, part]))
      const given = new Map(candidates.map((candidate) => [partReference(candidate), candidate]))
      for (const { reference, reason, tokens, bytes } of omissions) {
        const candidate = given.get(reference)!
        if (reason === 'SUPERSEDED') {
          const changes = candidate.kind === 'decision' ? candidate.changes : []
          expect(changes.length).toBeGreaterThan(0)
          for (const { resource, version } of changes)
            expect(JSON.parse(included.get(`resource:${resource}`)!.json).version).toBeGreaterThan(version)
        } else if (reason === 'DUPLICATE') {
          const same = candidates.filter((other) => other.kind === candidate.kind && included.has(partReference(other)))
          expect(same).toContainEqual(
            candidate.kind === 'note'
              ? expect.objectContaining({ author: candidate.author, text: candidate.text })
              : expect.objectContaining({ outcome: 'rejected' }),
          )
        } else if (tokenizer.name === 'o200k_base') {
          // What is left of the budget, with the list of omissions as it is, has no room for the part.
          const size = reason === 'OVER_TOKENS' ? packet.totals.tokens + tokens - budget.tokens : packet.totals.bytes + bytes - budget.bytes
          const slack = reason === 'OVER_TOKENS' ? 120 : 400
          expect(size + slack, reference).toBeGreaterThan(0)
        }
      }
    })
  })

  it('leaves nothing out for want of room where there is plenty', () => {
    check((_, input, using) => {
      const { omissions } = compilePacket({ ...input, budget: { tokens: 10_000_000, bytes: 100_000_000 } }, using)
      expect(omissions.filter(({ reason }) => reason.startsWith('OVER_'))).toEqual([])
    })
  })

  it('is the same whatever the order of its input', () => {
    fc.assert(
      fc.property(
        packetInputs.chain((input) =>
          fc.tuple(
            fc.constant(input),
            fc.shuffledSubarray([...input.candidates], { minLength: input.candidates.length }),
            fc.shuffledSubarray([...input.required], { minLength: input.required.length }),
            fc.shuffledSubarray([...input.task.resources], { minLength: input.task.resources.length }),
          ),
        ),
        ([input, candidates, required, resources]) => {
          const shuffled = {
            ...input,
            // Said twice is said once.
            candidates: [...candidates, ...candidates.slice(0, 2)],
            required: [...required, ...required],
            task: { ...input.task, resources: [...resources, ...resources] },
          }
          expect(compile(shuffled, real)).toEqual(compile(input, real))
        },
      ),
    )
  })

  it('has the sizes of its parts add up to its total, for the encodings that are shipped', async () => {
    check(
      ({ packet, text }, _, { tokenizer }) => {
        const without = renderPacket({ ...packet, parts: [] })
        const sum = packet.parts.reduce((tokens, part) => tokens + part.tokens, tokenizer.count(without))
        expect(sum).toBe(tokenizer.count(text))
      },
      fc.constantFrom(real, await tools('cl100k_base')),
    )
  })
})

/** Every place in a JSON value, as the value with that place changed. */
function mutations(value: unknown): unknown[] {
  if (typeof value === 'string') return [`${value}x`]
  if (typeof value === 'number') return [value + 1]
  if (value === null) return ['x']
  if (Array.isArray(value))
    return [[...value, 'x'], ...value.flatMap((item, index) => mutations(item).map((mutated) => value.with(index, mutated)))]
  return Object.entries(value as object).flatMap(([key, member]) => [
    Object.fromEntries(Object.entries(value as object).filter(([name]) => name !== key)),
    ...mutations(member).map((mutated) => ({ ...(value as object), [key]: mutated })),
  ])
}

describe('the digest', () => {
  it('is of everything but itself: any change anywhere changes it', () => {
    fc.assert(
      fc.property(packetInputs, (input) => {
        const compilation = compile(input, real)
        if (compilation === null) return
        const { packet } = compilation
        expect(digestOf(packet, sha256)).toBe(packet.digest)
        const { digest: _, ...content } = packet
        for (const mutated of mutations(content))
          expect(digestOf({ ...(mutated as Packet), digest: packet.digest }, sha256)).not.toBe(packet.digest)
      }),
      { numRuns: 30 },
    )
  })
})

describe('an impossible budget', () => {
  it('is an error that says what would do, and that is the least that does', () => {
    fc.assert(
      fc.property(packetInputs, anyTools, (given, using) => {
        const input = { ...given, budget: { tokens: 1, bytes: 1 } }
        const { needed, message } = refusal('BUDGET_IMPOSSIBLE', () => compilePacket(input, using))
        expect(message).toContain(`${needed!.tokens - 1} tokens over the budget of 1 and ${needed!.bytes - 1} bytes over the budget of 1`)
        const { packet } = compilePacket({ ...input, budget: needed! }, using)
        expect(packet.totals).toMatchObject(needed!)
        expect(packet.parts.map(({ reference }) => reference)).toEqual(expect.arrayContaining([...input.required]))
        for (const unit of ['tokens', 'bytes'] as const) {
          const short = compile({ ...input, budget: { ...needed!, [unit]: needed![unit] - 1 } }, using)
          expect(short).toBeNull()
        }
      }),
    )
  })
})
