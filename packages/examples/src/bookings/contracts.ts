/** Rooms by the night, and the stays that take them. The scope is the hotel. */
import { defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'

const owner = { team: 'front-office', contact: '#front-office' }
const night = z.iso.date()
const stayInput = z.strictObject({ stay: z.string().min(1) })

/** One night of one room type, `night/A:2016-03-01`: so many rooms, so many of them taken. */
export const nightContract = defineContract({
  type: 'night',
  version: 1,
  owner,
  data: z.strictObject({ booked: z.int().min(0), capacity: z.int().min(0) }),
  states: ['open'],
  actions: {
    open: {
      from: none,
      to: 'open',
      by: ['front-office'],
      input: z.strictObject({ capacity: z.int().min(0) }),
      apply: ({ input }) => ({ booked: 0, capacity: input.capacity }),
    },
    // Inventory: whoever comes while there is a room gets one, whatever version of the night they had seen.
    book: {
      from: 'open',
      conflict: 'commutative',
      input: stayInput,
      guard: ({ alongside, input }) =>
        alongside(`stay/${input.stay}`, 'hold') !== undefined || refuse('WITHOUT_STAY', 'a night is booked together with its stay'),
      apply: ({ data }) => ({ ...data, booked: data.booked + 1 }),
    },
    release: {
      from: 'open',
      conflict: 'commutative',
      input: stayInput,
      guard: ({ alongside, input }) =>
        alongside(`stay/${input.stay}`, 'cancel') !== undefined || refuse('WITHOUT_STAY', 'a night is released together with its stay'),
      apply: ({ data }) => ({ ...data, booked: data.booked - 1 }),
    },
  },
  invariants: { notOversold: ({ data }) => data.booked <= data.capacity },
})

/** A stay, `stay/4183`. Held with all its nights at once, or not at all. */
export const stayContract = defineContract({
  type: 'stay',
  version: 1,
  owner,
  data: z.strictObject({ agent: z.string(), arrival: night, nights: z.array(z.string()).min(1), roomType: z.string() }),
  states: ['held', 'cancelled'],
  actions: {
    hold: {
      from: none,
      to: 'held',
      input: z.strictObject({ arrival: night, nights: z.array(z.string()), roomType: z.string() }),
      guard: ({ alongside, id, input }) => {
        if (input.nights.length === 0) return refuse('NO_NIGHTS', 'a stay has at least one night')
        return (
          input.nights.every((each) => alongside(each, 'book')?.stay === id) ||
          refuse('NIGHTS_NOT_BOOKED', 'book every night in the same intent')
        )
      },
      apply: ({ agent, input }) => ({ agent, arrival: input.arrival, nights: input.nights, roomType: input.roomType }),
    },
    // Nobody else moves a held stay, so its agent need not have looked at it again.
    cancel: {
      from: 'held',
      to: 'cancelled',
      conflict: 'commutative',
      guard: ({ agent, alongside, data, id }) => {
        if (data.agent !== agent) return refuse('NOT_YOURS', 'only the agent that holds a stay cancels it')
        return (
          data.nights.every((each) => alongside(each, 'release')?.stay === id) ||
          refuse('NIGHTS_NOT_RELEASED', 'release every night in the same intent')
        )
      },
    },
  },
})
