/** Which addresses a webhook may go to: those of the public internet, so that no setting makes Signalbox knock at inner doors. */
import ipaddr from 'ipaddr.js'

export interface CheckedAddress {
  /** As a socket takes it: what was checked is what is connected to, in no other notation. */
  readonly address: string
  readonly family: 4 | 6
}

const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]
const wellKnownTranslation: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('64:ff9b::'), 96]
/** Where Azure, Alibaba, AWS and Google tell a machine its secrets, in ranges that are public or merely private; 169.254/16 is refused as such. */
const platformAddresses = new Set(['168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fd20:ce::254'])
/** What `allowPrivate` allows, of the ranges of ipaddr.js. */
const privateRanges = new Set(['carrierGradeNat', 'loopback', 'private', 'uniqueLocal'])

const rangeNames: Readonly<Record<string, string>> = {
  carrierGradeNat: 'shared by carriers (CGNAT)',
  ipv4Mapped: 'an IPv4 address in IPv6 clothes',
  linkLocal: 'link-local',
  loopback: 'loopback',
  private: 'private',
  uniqueLocal: 'private (unique local)',
}

/** The address in canonical form, whatever notation it came in (decimal, octal, hexadecimal, compressed); null when it is none. */
export function canonicalAddress(text: string): CheckedAddress | null {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  if (!ipaddr.isValid(bare)) return null
  const parsed = ipaddr.parse(bare)
  return { address: parsed.toString(), family: parsed.kind() === 'ipv4' ? 4 : 6 }
}

/** Why a webhook may not go to an address, as the end of a sentence about it; null when it may. */
export function addressRefusal(text: string, allowPrivate = false): string | null {
  const canonical = canonicalAddress(text)
  if (canonical === null) return 'is no address'
  if (platformAddresses.has(canonical.address)) return 'belongs to a cloud platform'
  if (canonical.family === 4) return rangeRefusal(ipaddr.IPv4.parse(canonical.address).range(), allowPrivate)
  const address = ipaddr.IPv6.parse(canonical.address)
  // Where hosts have IPv6 only, public IPv4 addresses are reached like this (RFC 6052): what counts is the address within.
  if (address.match(wellKnownTranslation))
    return addressRefusal(ipaddr.fromByteArray(address.toByteArray().slice(12)).toString(), allowPrivate)
  const refusal = rangeRefusal(address.range(), allowPrivate)
  if (refusal !== null || address.range() !== 'unicast') return refusal
  // Of IPv6 only this eighth has been given out; whatever else a host may route is its own.
  return address.match(globalUnicast) ? null : 'is outside of the public IPv6 addresses'
}

/** What to do about a refusal, as the end of a sentence. */
export function refusalAdvice(text: string): string {
  return addressRefusal(text, true) === null ? 'set allowPrivate if it is meant' : 'no setting allows that; correct the url or its DNS'
}

function rangeRefusal(range: string, allowPrivate: boolean): string | null {
  if (range === 'unicast' || (allowPrivate && privateRanges.has(range))) return null
  return `is ${rangeNames[range] ?? `special (${range})`}`
}
