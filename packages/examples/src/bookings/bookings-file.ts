/** The file of bookings: its rows, and the intents that its agents have in mind. Source and licence: data/README.md. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface Booking {
  /** Days as YYYY-MM-DD. */
  readonly bookedOn: string
  readonly booking: number
  readonly hotel: string
  readonly roomType: string
  readonly arrival: string
  readonly nights: number
  readonly agent: string
  readonly outcome: string
  readonly outcomeOn: string
}

/** A file that cannot be used; the message says where and why. */
export class BookingsFileError extends Error {
  override readonly name = 'BookingsFileError'
}

const columns = ['booked_on', 'booking', 'hotel', 'room_type', 'arrival', 'nights', 'agent', 'adr', 'outcome', 'outcome_on'] as const
const dayPattern = /^\d{4}-\d{2}-\d{2}$/
const dayMs = 86_400_000

/** Reads a file of bookings, plain or gzip. Throws BookingsFileError. */
export function readBookings(file: string): readonly Booking[] {
  let text: string
  try {
    const bytes = readFileSync(file)
    text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch (cause) {
    throw new BookingsFileError(`cannot read ${file}: ${(cause as Error).message}`, { cause })
  }
  const [heading, ...lines] = text.split(/\r?\n/).filter((line) => line !== '')
  if (heading !== columns.join(',')) throw new BookingsFileError(`${file} must start with the line ${columns.join(',')}`)
  const seen = new Set<number>()
  return lines.map((line, index) => {
    const booking = readRow(line, `${file}, line ${index + 2}`)
    if (seen.has(booking.booking))
      throw new BookingsFileError(`${file}, line ${index + 2}: booking ${booking.booking} appears twice; numbers must be unique`)
    seen.add(booking.booking)
    return booking
  })
}

function readRow(line: string, where: string): Booking {
  const cells = line.split(',')
  if (cells.length !== columns.length) throw new BookingsFileError(`${where}: ${cells.length} columns instead of ${columns.length}`)
  const [bookedOn, booking, hotel, roomType, arrival, nights, agent, , outcome, outcomeOn] = cells as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  for (const [name, day] of [
    ['booked_on', bookedOn],
    ['arrival', arrival],
    ['outcome_on', outcomeOn],
  ] as const) {
    if (!dayPattern.test(day)) throw new BookingsFileError(`${where}: ${name} must be a day like 2016-03-01, not ${JSON.stringify(day)}`)
  }
  for (const [name, number] of [
    ['booking', booking],
    ['nights', nights],
  ] as const) {
    if (!/^\d{1,9}$/.test(number)) throw new BookingsFileError(`${where}: ${name} must be a whole number, not ${JSON.stringify(number)}`)
  }
  return { bookedOn, booking: Number(booking), hotel, roomType, arrival, nights: Number(nights), agent, outcome, outcomeOn }
}

/** The nights of a stay as resources: `night/A:2016-03-01`, one a day from the arrival. */
export function nightsOf({ arrival, nights, roomType }: Booking): readonly string[] {
  const first = Date.parse(arrival)
  return Array.from({ length: nights }, (_, index) => `night/${roomType}:${new Date(first + index * dayMs).toISOString().slice(0, 10)}`)
}

/**
 * Rooms of each (hotel, room type): the most that the bookings that checked out ever occupied in one night. Every type
 * that is asked for has an entry, 0 where nobody of it checked out.
 */
export function capacities(bookings: readonly Booking[]): ReadonlyMap<string, number> {
  const occupied = new Map<string, number>()
  const capacity = new Map<string, number>()
  for (const booking of bookings) {
    const type = `${booking.hotel}/${booking.roomType}`
    if (!capacity.has(type)) capacity.set(type, 0)
    if (booking.outcome !== 'checked_out') continue
    for (const night of nightsOf(booking)) {
      const key = `${booking.hotel}/${night}`
      const rooms = (occupied.get(key) ?? 0) + 1
      occupied.set(key, rooms)
      if (rooms > capacity.get(type)!) capacity.set(type, rooms)
    }
  }
  return capacity
}

/** What an agent wants done: a stay held, or a stay cancelled. */
export interface Wish {
  readonly kind: 'hold' | 'cancel'
  readonly day: string
  readonly booking: Booking
}

/** All wishes in the file's order: by day, a day's cancellations after its bookings, each by booking number. */
export function wishes(bookings: readonly Booking[]): readonly Wish[] {
  const all: Wish[] = []
  for (const booking of bookings) {
    all.push({ kind: 'hold', day: booking.bookedOn, booking })
    if (booking.outcome === 'canceled') all.push({ kind: 'cancel', day: booking.outcomeOn, booking })
  }
  const rank = { hold: 0, cancel: 1 }
  return all.sort((a, b) => compare(a.day, b.day) || rank[a.kind] - rank[b.kind] || a.booking.booking - b.booking.booking)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
