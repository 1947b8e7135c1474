/** Numbers as people type them. */
import { CommandError } from './exit-codes.ts'

/** Throws CommandError (usage) for what is no whole number within the bounds. */
export function wholeNumber(name: string, text: string, { least = 0, most = 999_999_999 } = {}): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new CommandError('usage', `${name} takes a whole number from ${least} to ${most}, not ${text}`)
}
