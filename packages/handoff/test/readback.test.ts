import { expect, it } from 'vitest'
import { checkReadback, compilePacket, type Packet, readback, staleReferences } from '../src/index.ts'
import { example } from './example.ts'
import { refusal, sha256, tools } from './support.ts'

const { packet, text } = compilePacket(example, await tools())

it('is the digest of the packet at hand, which is nowhere in the text', () => {
  const received = JSON.parse(JSON.stringify(packet)) as Packet
  expect(readback(received, sha256)).toBe(packet.digest)
  expect(packet.digest).toMatch(/^[\w-]{43}$/)
  expect(text).not.toContain(packet.digest)
})

it('is refused to a packet that was altered on its way, and to a check of one', () => {
  const altered: Packet = { ...packet, task: { ...packet.task, purpose: 'Pay it twice.' } }
  expect(refusal('PACKET_ALTERED', () => readback(altered, sha256)).message).toContain(packet.digest)
  refusal('PACKET_ALTERED', () => checkReadback(altered, packet.digest, sha256))
})

it('accepts the digest of this packet and of no other', async () => {
  const other = compilePacket({ ...example, time: example.time + 1 }, await tools()).packet
  expect(checkReadback(packet, packet.digest, sha256)).toEqual({ isAccepted: true })
  expect(checkReadback(packet, other.digest, sha256)).toEqual({
    isAccepted: false,
    expected: packet.digest,
    stated: other.digest,
    message: `the packet as of 3:57 has digest ${packet.digest}, and the receiver stated "${other.digest}"; it has read another packet: give it this one`,
  })
})

it('tells which references have moved, from and to which version', () => {
  const now = new Map([
    ['order/7', 5],
    ['refund/7-1', 4],
  ])
  expect(staleReferences(packet, (resource) => now.get(resource) ?? 0)).toEqual([{ resource: 'refund/7-1', from: 2, to: 4 }])
  now.set('refund/7-1', 2)
  expect(staleReferences(packet, (resource) => now.get(resource) ?? 0)).toEqual([])
})

it('does not take a view that is behind for one in which nothing has moved', () => {
  expect(refusal('VIEW_BEHIND', () => staleReferences(packet, () => 1)).message).toContain('order/7 is at version 5 in the packet and at 1')
})
