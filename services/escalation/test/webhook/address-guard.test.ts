import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressRefusal, canonicalAddress } from '../../src/index.ts'
import { webhookTarget } from '../../src/webhook/target.ts'

/** IANA's registry of special-purpose IPv4 addresses, multicast, and one that a cloud has for itself. Written from the registry, not from the code. */
const special4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['168.63.129.16', 32],
]
const special6: readonly (readonly [string, number])[] = [
  ['::', 128],
  ['::1', 128],
  ['::', 96],
  ['::ffff:0:0', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['100:0:0:1::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]

const numberOf4 = (address: string) => address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
const dotted = (number: number) => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

function numberOf6(address: string): bigint {
  const [head = '', tail] = address.split('::')
  const groups = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'))
  const missing = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: tail === undefined ? 0 : missing }, () => '0'), ...groups(tail)]
  return all.reduce((number, group) => (number << 16n) | BigInt(`0x${group}`), 0n)
}
const hexGroups = (number: bigint) => Array.from({ length: 8 }, (_, index) => ((number >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))

/** An address of IPv4 in every way that programs take it. */
function notations4(address: string): readonly string[] {
  const number = numberOf4(address)
  const parts = address.split('.').map(Number)
  const hex = number.toString(16).padStart(8, '0')
  const mapped = `${hex.slice(0, 4)}:${hex.slice(4)}`
  return [
    address,
    `${number}`,
    `0x${hex}`,
    `0${number.toString(8)}`,
    parts.map((part) => `0${part.toString(8)}`).join('.'),
    parts.map((part) => `0x${part.toString(16)}`).join('.'),
    `${parts[0]}.${number % 2 ** 24}`,
    `${parts[0]}.${parts[1]}.${number % 2 ** 16}`,
    `::ffff:${address}`,
    `::ffff:${mapped}`,
    `0:0:0:0:0:FFFF:${mapped}`,
    `[::ffff:${address}]`,
    `::${address}`,
    `64:ff9b::${address}`,
    `2002:${mapped}::1`,
  ]
}

const within4 = fc
  .constantFrom(...special4)
  .chain(([base, bits]) => fc.integer({ min: 0, max: 2 ** (32 - bits) - 1 }).map((offset) => dotted(numberOf4(base) + offset)))
const within6 = fc
  .constantFrom(...special6)
  .chain(([base, bits]) => fc.bigInt({ min: 0n, max: (1n << BigInt(128 - bits)) - 1n }).map((offset) => numberOf6(base) + offset))

describe('the address guard', () => {
  it('refuses every special IPv4 address in every notation', () => {
    fc.assert(
      fc.property(within4, (address) => {
        for (const notation of notations4(address)) expect(addressRefusal(notation), notation).not.toBeNull()
      }),
      { numRuns: 2_000 },
    )
  })

  it('refuses every special IPv6 address, short or long', () => {
    fc.assert(
      fc.property(within6, (number) => {
        const groups = hexGroups(number)
        for (const notation of [
          groups.join(':'),
          groups.map((group) => group.padStart(4, '0').toUpperCase()).join(':'),
          `[${groups.join(':')}]`,
        ])
          expect(addressRefusal(notation), notation).not.toBeNull()
      }),
      { numRuns: 2_000 },
    )
  })

  it('refuses IPv4 addresses where the registry does, and no others', () => {
    const list = new BlockList()
    for (const [base, bits] of special4) list.addSubnet(base, bits, 'ipv4')
    const edges = special4.flatMap(([base, bits]) => [
      numberOf4(base) - 1,
      numberOf4(base),
      numberOf4(base) + 2 ** (32 - bits) - 1,
      numberOf4(base) + 2 ** (32 - bits),
    ])
    const anywhere = fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.constantFrom(...edges.filter((edge) => edge >= 0 && edge < 2 ** 32)),
    )
    fc.assert(
      fc.property(anywhere, (number) => {
        const address = dotted(number)
        expect(addressRefusal(address) !== null, address).toBe(list.check(address, 'ipv4'))
      }),
      { numRuns: 5_000 },
    )
  })

  it('refuses IPv6 addresses outside of what has been given out', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (number) => {
        const address = hexGroups(number).join(':')
        const isTranslated = number >> 32n === numberOf6('64:ff9b::') >> 32n
        if (number >> 125n !== 1n && !isTranslated) expect(addressRefusal(address), address).not.toBeNull()
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '99.255.255.255',
    '172.32.0.1',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001::1',
    '64:ff9b::8.8.8.8',
  ])('lets %s through', (address) => {
    expect(addressRefusal(address)).toBeNull()
  })

  it.each([
    ['169.254.169.254', 'is link-local'],
    ['127.0.0.1', 'is loopback'],
    ['10.1.2.3', 'is private'],
    ['100.64.0.1', 'is shared by carriers (CGNAT)'],
    ['0.0.0.0', 'is special (unspecified)'],
    ['::ffff:8.8.8.8', 'is an IPv4 address in IPv6 clothes'],
    ['fe80::1%eth0', 'is link-local'],
    ['fd00:ec2::254', 'belongs to a cloud platform'],
    ['64:ff9b::10.0.0.1', 'is private'],
    ['localhost', 'is no address'],
    ['', 'is no address'],
    ['1.2.3.4.5', 'is no address'],
    ['256.1.1.1', 'is no address'],
  ])('says why: %s %s', (address, why) => {
    expect(addressRefusal(address)).toBe(why)
  })

  it('lets private and loopback addresses through where they are allowed, and never those that tell secrets or many', () => {
    for (const address of ['127.0.0.1', '10.1.2.3', '192.168.1.1', '100.64.0.1', '::1', 'fd12::1', '8.8.8.8'])
      expect(addressRefusal(address, true), address).toBeNull()
    for (const address of [
      '169.254.169.254',
      'fe80::1',
      '224.0.0.1',
      '0.0.0.0',
      '::',
      '255.255.255.255',
      '168.63.129.16',
      '100.100.100.200',
      'fd00:ec2::254',
      '::ffff:127.0.0.1',
    ])
      expect(addressRefusal(address, true), address).not.toBeNull()
  })

  it('gives the socket what it has checked, in one notation', () => {
    for (const notation of notations4('8.8.4.4').slice(0, 8)) expect(canonicalAddress(notation)).toEqual({ address: '8.8.4.4', family: 4 })
    expect(canonicalAddress('[2606:4700::0001]')).toEqual({ address: '2606:4700::1', family: 6 })
  })
})

describe('the url of a target', () => {
  const target = (url: string) => webhookTarget({ name: 'pager', url, secrets: [`whsec_${Buffer.alloc(24, 1).toString('base64')}`] })

  it('may be a public address', () => {
    expect(target('https://8.8.8.8/').url.hostname).toBe('8.8.8.8')
  })

  it('is refused where its host is a special address, in every notation that a url takes', () => {
    fc.assert(
      fc.property(within4, (address) => {
        for (const notation of notations4(address)) {
          const host = notation.includes(':') ? `[${notation.replace(/^\[|\]$/g, '')}]` : notation
          expect(() => target(`https://${host}/`), host).toThrow(/its address|cannot be parsed/)
        }
      }),
    )
  })
})
