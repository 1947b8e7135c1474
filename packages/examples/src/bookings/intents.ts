/** Wishes as intents. Ids are derived from the run and the wish, so that a run that was cut off asks the same again. */
import { createHash } from 'node:crypto'
import { type Intent, intentFromJson, makeUuidV7 } from '@signalbox/contract'
import { type Booking, capacities, nightsOf, type Wish } from './bookings-file.ts'
import { getOrAdd } from './get-or-add.ts'

export interface RunIdentity {
  /** When the run began: the time in all its ids, milliseconds since 1970. */
  readonly startedMs: number
  /** Tells two runs apart. */
  readonly runId: string
}

/** Who sets the capacities up. */
export const setupAgent = 'front-office'
// Each night is one action; well below what an intent may have.
const nightsAnIntent = 200

function idOf(run: RunIdentity, what: string): string {
  return makeUuidV7(run.startedMs, createHash('sha256').update(`${run.runId}/${what}`).digest())
}

export function wishId(run: RunIdentity, { booking, kind }: Wish): string {
  return idOf(run, `${kind}/${booking.booking}`)
}

/** One atomic intent over the stay and all its nights. */
export function wishIntent(run: RunIdentity, wish: Wish): Intent {
  const { booking, kind } = wish
  const stay = `${booking.booking}`
  const nights = nightsOf(booking)
  const stayAction =
    kind === 'hold'
      ? { resource: `stay/${stay}`, action: 'hold', input: { arrival: booking.arrival, nights: [...nights], roomType: booking.roomType } }
      : { resource: `stay/${stay}`, action: 'cancel', input: {} }
  return intentFromJson({
    intentId: wishId(run, wish),
    scope: booking.hotel,
    agent: booking.agent,
    actions: [stayAction, ...nights.map((resource) => ({ resource, action: kind === 'hold' ? 'book' : 'release', input: { stay } }))],
    correlationId: `booking-${stay}`,
  })
}

/** Opens every night that any booking asks for, with its capacity. */
export function setupIntents(run: RunIdentity, bookings: readonly Booking[]): readonly Intent[] {
  const capacity = capacities(bookings)
  const nights = new Map<string, Map<string, number>>()
  for (const booking of bookings) {
    const ofHotel = getOrAdd(nights, booking.hotel, () => new Map<string, number>())
    for (const night of nightsOf(booking)) ofHotel.set(night, capacity.get(`${booking.hotel}/${booking.roomType}`)!)
  }
  const intents: Intent[] = []
  for (const [hotel, ofHotel] of nights) {
    const sorted = [...ofHotel].sort(([a], [b]) => (a < b ? -1 : 1))
    for (let from = 0; from < sorted.length; from += nightsAnIntent) {
      const actions = sorted
        .slice(from, from + nightsAnIntent)
        .map(([resource, rooms]) => ({ resource, action: 'open', input: { capacity: rooms } }))
      intents.push(
        intentFromJson({
          intentId: idOf(run, `setup/${hotel}/${from}`),
          scope: hotel,
          agent: setupAgent,
          actions,
          correlationId: `setup-${hotel}`,
        }),
      )
    }
  }
  return intents
}
