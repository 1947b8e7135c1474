/** The policy `merge`: a resource that moved on is a conflict only where the same top-level fields moved. */
import { canonicalize } from '@signalbox/contract'
import { changesSince } from '../../state/resource.ts'
import type { Check } from '../check.ts'
import type { Examination, PlannedAction } from '../examination.ts'
import type { Rejection } from '../rejection.ts'
import { expectedVersion, moved } from './versions.ts'

/** The top-level fields that an action changes, sorted; null where its contract does not merge. */
export function changedFields({ after, before, prepared }: PlannedAction): readonly string[] | null {
  if (!prepared.notesFields || after === null) return null
  // Maps: a field may be called as something that every object has.
  const was = fieldsOf(before?.data ?? '{}')
  const is = fieldsOf(after.text)
  const names = new Set([...was.keys(), ...is.keys()])
  return [...names].filter((name) => !isSame(was.get(name), is.get(name))).sort()
}

function fieldsOf(data: string): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(JSON.parse(data) as object))
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && canonicalize(a) === canonicalize(b)
}

export const merge: Check = {
  name: 'merge',
  run(examination) {
    for (let index = 0; index < examination.planned.length; index++) {
      const planned = examination.planned[index]!
      if (planned.action.conflict !== 'merge') continue
      const rejection = conflictOf(examination, planned)
      if (rejection !== null) return rejection
    }
    return null
  },
}

function conflictOf(examination: Examination, planned: PlannedAction): Rejection | null {
  const { before, request } = planned
  const expected = expectedVersion(examination, planned)
  if (before === undefined || expected === null || expected === before.version) return null
  const mine = changedFields(planned)!
  const theirs = new Set<string>()
  let known = 0
  for (const { fields } of changesSince(before, expected)) {
    known++
    // A change from before the contract merged: nobody knows what it touched.
    if (fields === null) return moved('STALE_VERSION', examination, request.resource, expected, before)
    for (const field of fields) theirs.add(field)
  }
  const common = mine.filter((field) => theirs.has(field))
  if (known >= before.version - expected && common.length === 0) return null
  const stale = moved('STALE_VERSION', examination, request.resource, expected, before)
  return common.length === 0
    ? stale
    : { ...stale, message: `${stale.message} (both change ${common.join(', ')})`, details: { ...stale.details, fields: common } }
}
