/** The four stories of agents that are chained together without anybody who owns the seams. */
import { deal, email, order, refund, room, shipment } from './contracts.ts'
import type { Story } from './story.ts'

const doubleBookedRoom: Story = {
  name: 'double-booked-room',
  title: 'The double-booked room',
  scope: 'hotel-lisbon',
  contracts: [room],
  setup: [{ agent: 'front-office', steps: [{ resource: 'room/204:2026-05-01', action: 'open' }] }],
  actors: [
    {
      agent: 'agency-east',
      sees: ['room/204:2026-05-01'],
      does: [{ resource: 'room/204:2026-05-01', action: 'book', input: { guest: 'Ines' } }],
    },
    {
      agent: 'agency-west',
      sees: ['room/204:2026-05-01'],
      does: [{ resource: 'room/204:2026-05-01', action: 'book', input: { guest: 'Tomas' } }],
    },
  ],
  scene: 'Two booking agents see room 204 free for 1 May, and each books it for its own guest at the same moment.',
  without: 'both bookings are written; two guests stand at one door',
  shows: 'room/204:2026-05-01',
}

const refundedTwice: Story = {
  name: 'refunded-twice',
  title: 'The customer refunded twice',
  scope: 'customer-42',
  contracts: [order, refund],
  setup: [{ agent: 'shop', steps: [{ resource: 'order/7', action: 'pay', input: { paidCents: 5_900 } }] }],
  actors: [
    {
      agent: 'chat-agent',
      sees: ['order/7'],
      does: [
        {
          resource: 'refund/7-chat',
          action: 'grant',
          input: { order: '7', amountCents: 5_900 },
          together: [{ resource: 'order/7', action: 'refund', input: { amountCents: 5_900 } }],
        },
      ],
    },
    {
      agent: 'mail-agent',
      sees: ['order/7'],
      does: [
        {
          resource: 'refund/7-mail',
          action: 'grant',
          input: { order: '7', amountCents: 5_900 },
          together: [{ resource: 'order/7', action: 'refund', input: { amountCents: 5_900 } }],
        },
      ],
    },
  ],
  scene: 'A customer complains in the chat and by mail; each of two agents refunds the whole order of 59.00.',
  without: 'the bank is told twice; 118.00 go out for an order of 59.00',
  shows: 'order/7',
}

const staleEmail: Story = {
  name: 'stale-email',
  title: 'The e-mail written from a deal stage three states behind',
  scope: 'customer-acme',
  contracts: [deal, email],
  setup: [{ agent: 'sales-agent', steps: [{ resource: 'deal/1', action: 'qualify', input: { customer: 'Acme' } }] }],
  actors: [
    {
      agent: 'sales-agent',
      sees: ['deal/1'],
      does: [
        { resource: 'deal/1', action: 'propose' },
        { resource: 'deal/1', action: 'negotiate' },
        { resource: 'deal/1', action: 'win' },
      ],
    },
    {
      agent: 'mail-writer',
      sees: ['deal/1'],
      does: [{ resource: 'email/acme-1', action: 'send', input: { to: 'Acme', about: 'Would you like to see our offer?' } }],
    },
  ],
  inTurn: true,
  scene: 'While a model writes an e-mail to a qualified lead, the sales agent proposes, negotiates and wins the deal.',
  without: 'a customer who signed this morning is asked whether they would like to see an offer',
  shows: 'deal/1',
}

const oppositeOrders: Story = {
  name: 'opposite-orders',
  title: 'The warehouse told two opposite things',
  scope: 'warehouse-porto',
  contracts: [shipment],
  setup: [{ agent: 'warehouse', steps: [{ resource: 'shipment/55', action: 'pack', input: { order: '55' } }] }],
  actors: [
    { agent: 'sales-agent', sees: ['shipment/55'], does: [{ resource: 'shipment/55', action: 'ship' }] },
    { agent: 'fraud-agent', sees: ['shipment/55'], does: [{ resource: 'shipment/55', action: 'recall' }] },
  ],
  scene: 'The sales agent tells the warehouse to ship parcel 55; at the same moment the fraud agent recalls it.',
  without: 'the parcel is on the road and back on the shelf, depending on whom you ask',
  shows: 'shipment/55',
}

export const stories: readonly Story[] = [doubleBookedRoom, refundedTwice, staleEmail, oppositeOrders]
