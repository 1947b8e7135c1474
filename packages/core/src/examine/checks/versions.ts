/** Expected versions, the read set and reservations: is the world still the one that the agent reasoned on? */

import type { ResourceState } from '../../state/resource.ts'
import type { Check } from '../check.ts'
import { contractOf, type Examination, type PlannedAction } from '../examination.ts'
import type { Rejection } from '../rejection.ts'

/** The version that the agent reasoned on: as it says of the action, or of its read set. */
export function expectedVersion({ agreed, intent }: Examination, { request }: PlannedAction): number | null {
  // What a human agreed on stands in place of what the agent had read.
  if (agreed !== null) return agreed.get(request.resource) ?? request.expectedVersion
  if (request.expectedVersion !== null) return request.expectedVersion
  for (const read of intent.reads) if (read.resource === request.resource) return read.version
  return null
}

export function moved(
  code: 'STALE_VERSION' | 'STALE_READ',
  examination: Examination,
  resource: string,
  expected: number,
  current: ResourceState | undefined,
): Rejection {
  const actual = current?.version ?? 0
  const owner = contractOf(examination, resource)?.owner
  const place = {
    resource,
    expectedVersion: expected,
    actualVersion: actual,
    ...(owner === undefined ? {} : { owner }),
    ...(current === undefined ? {} : { current }),
  }
  if (expected > actual) {
    return {
      ...place,
      code: 'VERSION_FROM_THE_FUTURE',
      message: `${resource} is at version ${actual}, and the intent names version ${expected}, which does not exist yet; observe again and propose on what you see`,
    }
  }
  const all = allMoved(examination)
  const who = current === undefined ? '' : `: ${current.lastChange.action} by ${current.lastChange.agent}`
  const what = code === 'STALE_READ' ? 'was read' : 'was expected'
  return {
    ...place,
    code,
    message: `${resource} ${what} at version ${expected} and is now at version ${actual}${who}${alsoMoved(all, resource)}; observe again and decide whether the intent still makes sense`,
    // `missed` of the event names the newest of the commits that the agent missed: this says how many there were.
    details: { moved: all.slice(0, mostMoved), movedCount: all.length, missedCount: actual - expected },
  }
}

/** Moved resources that a reject names; a read set may have hundreds. */
const mostMoved = 32

/** A type, so that it can lie in the JSON of an event. */
type Moved = { readonly resource: string; readonly expectedVersion: number; readonly actualVersion: number }

/** Everything that the agent reasoned on and that has moved: what it acts on, then what it has read. */
function allMoved(examination: Examination): Moved[] {
  const found: Moved[] = []
  const note = (resource: string, expectedVersion: number | null) => {
    const actualVersion = examination.current(resource)?.version ?? 0
    if (expectedVersion !== null && expectedVersion < actualVersion) found.push({ resource, expectedVersion, actualVersion })
  }
  for (const planned of examination.planned)
    if (planned.action.conflict !== 'commutative') note(planned.request.resource, expectedVersion(examination, planned))
  for (const { resource, version } of examination.intent.reads)
    if (examination.plannedFor(resource) === undefined) note(resource, examination.agreed?.get(resource) ?? version)
  return found
}

function alsoMoved(all: readonly Moved[], named: string): string {
  const others = all.filter(({ resource }) => resource !== named)
  if (others.length === 0) return ''
  const some = others.slice(0, 3).map((each) => `${each.resource} (version ${each.expectedVersion}, now ${each.actualVersion})`)
  return `; so have ${some.join(', ')}${others.length > 3 ? ` and ${others.length - 3} more` : ''} moved`
}

export const versions: Check = {
  name: 'versions',
  run(examination) {
    for (const planned of examination.planned) {
      const policy = planned.action.conflict
      if (policy === 'commutative') continue
      const { before, request } = planned
      const expected = expectedVersion(examination, planned)
      if (expected === null) {
        // A resource that is to be created is expected not to exist; the state check says it better where it does.
        if (before === undefined || planned.action.from.includes('none')) continue
        return {
          code: 'VERSION_REQUIRED',
          message: `${request.action} ${request.resource} needs the version it was reasoned on, as expectedVersion or in reads; it is now at version ${before.version}: observe it first, so that a decision on stale facts can be told`,
          resource: request.resource,
          actualVersion: before.version,
          owner: planned.contract.owner,
        }
      }
      const actual = before?.version ?? 0
      // What has moved is looked at once it is known what the action changes.
      if (policy === 'merge' && expected > 0 && expected < actual) continue
      if (expected !== actual) return moved('STALE_VERSION', examination, request.resource, expected, before)
    }
    return null
  },
  seen: (examination) => ({
    versions: examination.planned.map((planned) => ({
      resource: planned.request.resource,
      policy: planned.action.conflict,
      expected: expectedVersion(examination, planned),
      actual: planned.before?.version ?? 0,
    })),
  }),
}

export const reads: Check = {
  name: 'reads',
  run(examination) {
    const { agreed } = examination
    for (const read of examination.intent.reads) {
      const { resource } = read
      // What the intent acts on is judged by the policy of the action, above.
      if (examination.plannedFor(resource) !== undefined) continue
      const version = agreed?.get(resource) ?? read.version
      const current = examination.current(resource)
      if ((current?.version ?? 0) !== version) return moved('STALE_READ', examination, resource, version, current)
    }
    return null
  },
  seen: (examination) => ({
    reads: examination.intent.reads.map(({ resource, version }) => ({
      resource,
      read: version,
      actual: examination.current(resource)?.version ?? 0,
    })),
  }),
}
