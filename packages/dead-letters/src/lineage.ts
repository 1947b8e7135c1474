/** How an intent says that it is a dead letter asked again: in its note, whoever reads it. */
import type { Intent } from '@signalbox/contract'

const mark = 'redriven from '

/** Whether the text of an intent says so. Cheap: it is asked of every decision. */
export function isRedriven(intent: string | null): boolean {
  return intent?.includes(`"note":"${mark}`) ?? false
}

/** The note of the new intent, with what the agent itself had said. */
export function redriveNote(letterId: string, by: string, reason: string, before: Intent['note'], maxLength: number): string {
  const said = `${mark}${letterId} by ${by}: ${reason}`
  const kept = before === null || before === '' ? said : `${said} (its agent said: ${before})`
  return kept.length <= maxLength ? kept : `${kept.slice(0, maxLength - 1).toWellFormed()}…`
}
