/** Moments as people type them. */
import { CommandError } from './exit-codes.ts'

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const mostMs = 36_525 * units.d

/**
 * A time of RFC 3339 with its zone, or a duration back from now (`90s`, `15m`, `2h`, `3d`); null for what looks like neither. It means the
 * same on every machine. Throws CommandError (usage) for one that cannot be.
 */
export function readTime(text: string): number | null {
  const back = /^(\d{1,12})([smhd])$/.exec(text)
  if (back !== null) {
    const ms = Number(back[1]) * units[back[2] as keyof typeof units]
    if (ms > mostMs) throw new CommandError('usage', `${text} is more than 100 years ago; give a shorter time`)
    return Date.now() - ms
  }
  return /^[+-]?\d{4,6}-/.test(text) ? readDate(text) : null
}

function readDate(text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?:([Zz])|([+-])(\d{2}):?(\d{2}))?)?$/.exec(text)
  const refuse = (why: string) =>
    new CommandError('usage', `${text} ${why}; give a time like 2026-06-01T12:00:00Z or 2026-06-01T14:00:00+02:00`)
  if (match === null) throw refuse('is no time')
  const [, date, hour, minute, second = '00', fraction = '', z, sign, zoneHours = '00', zoneMinutes = '00'] = match
  if (hour === undefined || minute === undefined) throw refuse('is a day, and a day begins at another moment in every zone')
  if (z === undefined && sign === undefined) throw refuse('has no zone, so it would mean another moment on another machine')
  if (second === '60') throw refuse('is a leap second, which no clock here has')
  if (hour > '23') throw refuse(`has no hour of a day, which are 00 to 23${hour === '24' ? '; the end of a day is 00:00 of the next' : ''}`)
  if (minute > '59' || second > '59') throw refuse('has no minute or second, which are 00 to 59')
  const ms = Date.parse(`${date}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}Z`)
  // A day that is none is taken for one of the next month.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== date) throw refuse(`has a day that there is not: ${date}`)
  if (zoneHours > '14' || zoneMinutes > '59') throw refuse('has a zone that there is not')
  return ms - (sign === '-' ? -1 : 1) * (Number(zoneHours) * units.h + Number(zoneMinutes) * units.m)
}
