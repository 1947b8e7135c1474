/** The text that a model reads: nothing that an agent wrote can pass for anything but data. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compilePacket, type Packet, partReference } from '../src/index.ts'
import { harmless } from '../src/quote.ts'
import { packetInputs } from './arbitraries.ts'
import { tools } from './support.ts'

const using = await tools()
const plenty = { tokens: 1_000_000, bytes: 10_000_000 }

/** Every line break that any reader might see. */
const anyLineBreak = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/

/** The text read again, from its lines alone. */
function read(text: string): { headings: string[]; values: unknown[]; other: string[] } {
  const lines = text.split(anyLineBreak).filter((line) => line !== '')
  return {
    headings: lines.filter((line) => line.startsWith('#')),
    values: lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)),
    other: lines.filter((line) => !line.startsWith('#') && !line.startsWith('{')),
  }
}

function expectedHeadings({ parts, omitted }: Packet): (readonly [string, string] | string)[] {
  const isOmitting = omitted.named.length > 0 || omitted.more !== null
  return [
    '# Handoff packet, signalbox-packet/1',
    '## The task',
    '## As of',
    ...parts.map(({ reference, reason }) => [reference, reason] as const),
    ...(isOmitting ? ['## Left out'] : []),
    '# End of the packet',
  ]
}

it('has exactly the headings of its parts, and under each exactly that part, whatever the agents wrote', () => {
  fc.assert(
    fc.property(packetInputs, (input) => {
      const { packet, text } = compilePacket({ ...input, budget: plenty }, using)
      const { headings, values, other } = read(text)
      const parsed = headings.map((heading) => {
        const match = /^## (".*") ([A-Z_]+)$/.exec(heading)
        return match === null ? heading : ([JSON.parse(match[1]!), match[2]] as const)
      })
      expect(parsed).toEqual(expectedHeadings(packet))
      const [task, asOf, ...parts] = values
      expect(task).toEqual(packet.task)
      expect(asOf).toMatchObject({ scope: input.scope, position: input.position })
      expect(parts).toEqual(packet.parts.map(({ json }) => JSON.parse(json)))
      const told = other
        .slice(2)
        .map((line) => /^(".*") [A-Z_]+, \d+ tokens, \d+ bytes$|^(To fetch (one|all): ".*")$|^and \d+ more$/.exec(line))
      expect(told).not.toContain(null)
      const listed = told.filter((line) => line![1] !== undefined).map((line) => JSON.parse(line![1]!))
      expect(listed).toEqual(packet.omitted.named.map(({ reference }) => reference))
      expect(input.candidates.map(partReference)).toEqual(expect.arrayContaining(listed))
    }),
    { numRuns: 300 },
  )
})

it('shows no tag, no special token, no invisible character, and nothing that turns the direction of reading', () => {
  fc.assert(
    fc.property(packetInputs, (input) => {
      const { text } = compilePacket({ ...input, budget: plenty }, using)
      expect(text).not.toMatch(
        /[<\u0000-\u0009\u000b-\u001f\u007f-\u009f]|\p{Default_Ignorable_Code_Point}|\p{Zl}|\p{Zp}|\p{Bidi_Control}/u,
      )
    }),
  )
})

it('escapes without changing what the JSON says', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
      expect(JSON.parse(harmless(json))).toEqual(JSON.parse(json))
    }),
  )
  expect(harmless('"<\u2028\u{e0041}z"')).toBe('"\\u003c\\u2028\\udb40\\udc41z"')
})
