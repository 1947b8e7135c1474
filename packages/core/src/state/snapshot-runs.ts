/** The runs in which the changes of a resource hang together, as lists. */
import type { Change } from './resource.ts'

/** The changes of a run, oldest first. */
export function changesOf(newest: Change | null): Change[] {
  const changes: Change[] = []
  for (let change = newest; change !== null; change = change.previous) changes.push(change)
  return changes.reverse()
}

/** A run of changes, given oldest first; null where there are none. */
export function runOfChanges(changes: readonly Omit<Change, 'previous' | 'depth'>[]): Change | null {
  let previous: Change | null = null
  for (const [depth, change] of changes.entries()) previous = { ...change, previous, depth }
  return previous
}
