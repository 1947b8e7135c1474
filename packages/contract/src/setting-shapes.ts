/** What stands under several keys of `signalbox.config.ts`. */
import { z } from 'zod'
import { bounds, within } from './bounds.ts'
import { kindOf } from './shape.ts'

/** A whole number between bounds. */
export const whole = (least: number, most: number = bounds.amount.most) => within({ kind: 'whole', least, most, what: '' })
/** The name of a reaction or a source. */
export const ruleName = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, {
  error: (issue) => `it is ${kindOf(issue.input)}; give a name of 1 to 64 lower-case letters, digits and dashes, a letter first`,
})
/** Where a service listens. */
export const address = z.string().refine(isAddress, {
  error: (issue) => `it is ${kindOf(issue.input)}; give an address like http://127.0.0.1:7070`,
})

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
