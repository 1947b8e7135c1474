/** What the intent writes: the after-images, with what follows from them in the same commit, within what a record may take. */
import { type ResourceChange, utf8Length } from '@signalbox/contract'
import type { Check } from '../check.ts'
import { builtInOf, type PlannedAction } from '../examination.ts'
import type { Rejection } from '../rejection.ts'
import { sideChanges } from '../side-changes.ts'
import { changedFields } from './merge.ts'

/**
 * Actions of Signalbox's own in one intent from which more events follow: a record's events are numbered up to 255, and
 * its own decision must never find the numbers used up. What they grow by later (an escalation by who was asked, a task by
 * who has it) has room beyond the limit of other data: nothing of it may be too large to end.
 */
const mostFollowing = 16

export const size: Check = {
  name: 'size',
  run(examination) {
    const { canonical, planned, rules } = examination
    const { dataBytes, resultBytes } = rules.limits
    let length = canonical.length + 512
    let changes: ResourceChange[] | null = null
    let following = 0
    for (let index = 0; index < planned.length; index++) {
      const each = planned[index]!
      const { action, after, before, contract, prepared, request } = each
      // Some of Signalbox's own actions leave nothing behind but what follows from them.
      if (prepared.builtIn !== null) {
        length += each.followingLength
        if (builtInOf(prepared)!.follow !== undefined && ++following > mostFollowing)
          return tooLarge(request.resource, `more follows from the intent than from ${mostFollowing} such actions may; split the intent`)
      }
      if (after === null) continue
      const { state, text, timer } = after
      const mostBytes = prepared.builtIn === null || before === undefined ? dataBytes : 4 * dataBytes
      if (3 * text.length > mostBytes && utf8Length(text) > mostBytes)
        return tooLarge(request.resource, `the data of ${request.resource} would have more than the ${mostBytes} bytes of the limit`)
      length += text.length + request.resource.length + 128
      // A drift names both values of each field, and may be put before a human.
      if (action.fact !== null && before !== undefined) length += before.data.length + text.length + 4_096
      const change: ResourceChange = {
        resource: request.resource,
        action: prepared.name,
        contractVersion: contract.version,
        fromVersion: before?.version ?? 0,
        version: (before?.version ?? 0) + 1,
        fromState: before?.state ?? null,
        state,
        data: text,
        timer,
        fields: changedFields(each),
      }
      if (changes === null) changes = [change]
      else changes.push(change)
    }
    const more = sideChanges(examination)
    if (more !== null) {
      for (const { data, resource } of more) length += data.length + resource.length + 128
      changes = [...(changes ?? []), ...more]
    }
    // Three bytes a character is the most that UTF-8 takes of a string's units: counted exactly only where it matters.
    if (3 * length > resultBytes && length - canonical.length + utf8Length(canonical) + bytesBeyond(planned) > resultBytes) {
      return tooLarge(undefined, `what the intent would write has more than the ${resultBytes} bytes of the limit; split the intent`)
    }
    examination.changes = changes ?? []
    return null
  },
  seen: ({ changes }) => ({ changes: changes.length }),
}

function bytesBeyond(planned: readonly PlannedAction[]): number {
  let bytes = 0
  for (const { after } of planned) if (after !== null) bytes += utf8Length(after.text) - after.text.length
  return bytes
}

function tooLarge(resource: string | undefined, message: string): Rejection {
  return {
    code: 'RESULT_TOO_LARGE',
    message: `${message}; keep large content elsewhere and refer to it by digest`,
    ...(resource === undefined ? {} : { resource }),
  }
}
