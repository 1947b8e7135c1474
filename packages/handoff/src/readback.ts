/** What the receiver states when it accepts, and what has moved since the packet was compiled. */
import { canonicalize } from '@signalbox/contract'
import type { Sha256 } from './compile.ts'
import type { Packet } from './packet.ts'
import { PacketError } from './packet-error.ts'

/** The digest of a packet, computed anew from what it says. */
export function digestOf(packet: Packet, sha256: Sha256): string {
  const { digest: _, ...content } = packet
  return sha256(canonicalize(content))
}

/**
 * The digest that the receiver must state to accept. It is computed from the packet at hand, and stands nowhere in the
 * rendered text: who states it had the packet itself. Throws PacketError PACKET_ALTERED where the packet differs from
 * its own digest.
 */
export function readback(packet: Packet, sha256: Sha256): string {
  const digest = digestOf(packet, sha256)
  if (digest !== packet.digest)
    throw new PacketError('PACKET_ALTERED', `the packet says that its digest is ${packet.digest}, and it is ${digest}; fetch it again`)
  return digest
}

/** What an offer says of its packet: anybody may read the offer, and only who has the packet can tell the digest that leads to it. */
export function sealOf(digest: string, sha256: Sha256): string {
  return sha256(digest)
}

export type ReadbackResult =
  | { readonly isAccepted: true }
  /** `message` says what to do. */
  | { readonly isAccepted: false; readonly expected: string; readonly stated: string; readonly message: string }

/** Whether what the receiver states is the digest of this packet. Throws as `readback` does. */
export function checkReadback(packet: Packet, stated: string, sha256: Sha256): ReadbackResult {
  const expected = readback(packet, sha256)
  if (stated === expected) return { isAccepted: true }
  const message = `the packet as of ${packet.position} has digest ${expected}, and the receiver stated ${JSON.stringify(stated)}; it has read another packet: give it this one`
  return { isAccepted: false, expected, stated, message }
}

export interface StaleReference {
  readonly resource: string
  /** Its version in the packet. */
  readonly from: number
  /** Its version now. */
  readonly to: number
}

/**
 * What has moved of what the packet relies on, by name. `currentVersionOf` gives the version of a resource now, 0 where
 * it does not exist. Throws PacketError VIEW_BEHIND where that view is older than the packet.
 */
export function staleReferences(packet: Packet, currentVersionOf: (resource: string) => number): StaleReference[] {
  return packet.references.flatMap(({ resource, version }) => {
    const now = currentVersionOf(resource)
    if (now < version)
      throw new PacketError(
        'VIEW_BEHIND',
        `${resource} is at version ${version} in the packet and at ${now} in the view that was asked; ask one that has come to ${packet.position}`,
      )
    return now === version ? [] : [{ resource, from: version, to: now }]
  })
}
