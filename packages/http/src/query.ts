import { z } from 'zod'

/** A whole number in an address: digits and nothing else, so that no text is taken for a number that it is not. */
export function wholeNumberText(least: number, most: number) {
  return z.preprocess(
    (text) => (typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : text),
    z.int(`must be a whole number from ${least} to ${most}, given once`).min(least).max(most),
  )
}
