/** Changes as text, to compare what an event says with what the model says. */
import type { ResourceChange } from '@signalbox/contract'
import type { ModelChange } from './model/expected.ts'
import { type PlainObject, sortedText } from './model/intent.ts'

export function changesText(changes: readonly ModelChange[]): string {
  return changes
    .map(
      ({ action, data, fields, fromState, fromVersion, resource, state, timer, version }) =>
        `${action} ${resource} ${fromVersion}>${version} ${fromState}>${state} ${sortedText(data)}${fields == null ? '' : ` fields ${fields}`}${timer == null ? '' : ` ${timer.action} at ${timer.due}`}`,
    )
    .join(', ')
}

/** What an event changes, as text; what the model does not know (`*`: the words of a sentence, what a human is shown) is left out of it. */
export function toldText(changes: readonly ResourceChange[], expected: readonly ModelChange[]): string {
  return changesText(
    changes.map((change, index) => {
      const data = JSON.parse(change.data) as PlainObject
      for (const [name, value] of Object.entries(expected[index]?.data ?? {})) if (value === '*' && name in data) data[name] = '*'
      return { ...change, data } as ModelChange
    }),
  )
}

/** How what was changed differs from what must be; null where it does not. */
export function differenceOfChanges(changes: readonly ResourceChange[], expected: readonly ModelChange[]): string | null {
  const told = toldText(changes, expected)
  const wanted = changesText(expected)
  return told === wanted ? null : `changed ${told}, and the model says ${wanted}`
}
