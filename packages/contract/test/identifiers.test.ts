import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isAgentName,
  isScope,
  makeUuidV7,
  matchesAgent,
  murmur2,
  parseEventReference,
  parseUuidV7,
  partitionOf,
  resourceType,
  uuidTimeMs,
} from '../src/index.ts'

const words = new Uint32Array(4)

describe('UUIDv7', () => {
  it('reads the example of RFC 9562, appendix A.6', () => {
    expect(parseUuidV7('017f22e2-79b0-7cc3-98c4-dc0c0c07398f', words)).toBe(true)
    expect(uuidTimeMs(words)).toBe(0x017f22e279b0)
  })

  it('makes what it reads, with the time in it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.uint8Array({ minLength: 10, maxLength: 10 }), (timeMs, bits) => {
        const id = makeUuidV7(timeMs, bits)
        expect(parseUuidV7(id, words)).toBe(true)
        expect(uuidTimeMs(words)).toBe(timeMs)
        expect([...words].map((word) => word.toString(16).padStart(8, '0')).join('')).toBe(id.replaceAll('-', ''))
      }),
    )
  })

  it.each([
    '',
    '017f22e2-79b0-4cc3-98c4-dc0c0c07398f',
    '017f22e2-79b0-7cc3-18c4-dc0c0c07398f',
    '017F22E2-79B0-7CC3-98C4-DC0C0C07398F',
    '017f22e279b07cc398c4dc0c0c07398f',
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398g',
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398é',
  ])('refuses %s', (text) => {
    expect(parseUuidV7(text, words)).toBe(false)
  })
})

describe('murmur2', () => {
  // From Kafka's own UtilsTest.testMurmur2.
  it.each<[string, number]>([
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ])('of %s is %d', (text, hash) => expect(murmur2(new TextEncoder().encode(text))).toBe(hash))

  it('gives a partition that there is, also for text that is not ASCII', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 1_000 }), (scope, count) => {
        const partition = partitionOf(scope, count)
        expect(partition >= 0 && partition < count && Number.isInteger(partition)).toBe(true)
      }),
    )
  })
})

describe('names', () => {
  it.each<[string, string | null]>([
    ['order/7', 'order'],
    ['night/A:2016-03-01', 'night'],
    ['file/a/b', 'file'],
    ['order/', null],
    ['/7', null],
    ['order', null],
    ['Order/7', null],
    ['order/7\u0000', null],
    ['order/7\n', null],
    ['order/\ud800', null],
    [`order/${'x'.repeat(300)}`, null],
  ])('resource %j', (text, type) => expect(resourceType(text)).toBe(type))

  it('scopes and agents', () => {
    expect([isScope('hotel lisbon'), isScope(''), isScope('a\u0007'), isScope('x'.repeat(201))]).toEqual([true, false, false, false])
    expect([isAgentName('agency-9'), isAgentName('unverified:x@y'), isAgentName('-x'), isAgentName('a b')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('patterns of agents', () => {
    expect(matchesAgent('agency-9', ['direct', 'agency-*'])).toBe(true)
    expect(matchesAgent('agent', ['agency-*'])).toBe(false)
    expect(matchesAgent('anyone', ['*'])).toBe(true)
  })

  it('event references', () => {
    expect(parseEventReference('3/41822/0')).toEqual({ partition: 3, offset: 41_822, index: 0 })
    expect(parseEventReference('3/-1/0')?.offset).toBe(-1)
    expect(parseEventReference('3/x/0')).toBeNull()
  })
})
