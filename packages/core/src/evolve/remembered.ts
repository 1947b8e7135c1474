import { isRejectCode, rejectCodes } from '@signalbox/contract'

/** Whether a reject uses its intent's id up. A code that this version does not know was written by a newer one: it does. */
export function isRemembered(code: string): boolean {
  return !isRejectCode(code) || rejectCodes[code].remembered
}
