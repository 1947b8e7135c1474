/**
 * What must become of the bookings when they are submitted one after the other: a plain model that shares no code with
 * Signalbox or with the demo. It reads the file itself and keeps rooms in a map.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface ModelDecision {
  readonly kind: 'hold' | 'cancel'
  readonly booking: string
  readonly agent: string
  /** `committed`, or why not. */
  readonly outcome: 'committed' | 'no nights' | 'full' | 'not held'
}

type Row = Record<'booked_on' | 'booking' | 'hotel' | 'room_type' | 'arrival' | 'nights' | 'agent' | 'outcome' | 'outcome_on', string>

function rowsOf(file: string): Row[] {
  const bytes = readFileSync(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  const [head, ...lines] = text.trim().split('\n')
  const names = head!.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, index) => [names[index], cell])) as Row)
}

// Days as numbers since 1970: no calendar code shared with the demo, which writes them as text.
function nightsOf(row: Row): string[] {
  const [year, month, day] = row.arrival.split('-').map(Number) as [number, number, number]
  const first = Date.UTC(year, month - 1, day) / 86_400_000
  const nights: string[] = []
  for (let night = 0; night < Number(row.nights); night++) nights.push(`${row.hotel} ${row.room_type} ${first + night}`)
  return nights
}

export function decideBookings(file: string): ModelDecision[] {
  const rows = rowsOf(file)
  const rooms = new Map<string, number>()
  const occupied = new Map<string, number>()
  for (const row of rows.filter(({ outcome }) => outcome === 'checked_out')) {
    for (const night of nightsOf(row)) {
      occupied.set(night, (occupied.get(night) ?? 0) + 1)
      const type = `${row.hotel} ${row.room_type}`
      rooms.set(type, Math.max(rooms.get(type) ?? 0, occupied.get(night)!))
    }
  }
  const asked = [
    ...rows.map((row) => ({ row, kind: 'hold' as const, key: `${row.booked_on} 0 ${row.booking.padStart(9, '0')}` })),
    ...rows
      .filter(({ outcome }) => outcome === 'canceled')
      .map((row) => ({ row, kind: 'cancel' as const, key: `${row.outcome_on} 1 ${row.booking.padStart(9, '0')}` })),
  ].sort((a, b) => (a.key < b.key ? -1 : 1))
  const taken = new Map<string, number>()
  const held = new Set<string>()
  return asked.map(({ kind, row }) => {
    const nights = nightsOf(row)
    const said = (outcome: ModelDecision['outcome']): ModelDecision => ({ kind, booking: row.booking, agent: row.agent, outcome })
    if (kind === 'cancel') {
      if (!held.delete(row.booking)) return said('not held')
      for (const night of nights) taken.set(night, taken.get(night)! - 1)
      return said('committed')
    }
    if (nights.length === 0) return said('no nights')
    if (nights.some((night) => (taken.get(night) ?? 0) >= (rooms.get(`${row.hotel} ${row.room_type}`) ?? 0))) return said('full')
    for (const night of nights) taken.set(night, (taken.get(night) ?? 0) + 1)
    held.add(row.booking)
    return said('committed')
  })
}
