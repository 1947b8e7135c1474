import type { Decision } from '@signalbox/contract'
import { describe, expect, it } from 'vitest'
import { rejectionLines } from '../src/render/decision.ts'

const move = (version: number): Decision['missed'][number] => ({
  event: `0/${version}/0`,
  intentId: `i${version}`,
  agent: 'clerk',
  action: 'edit',
  version,
  time: 1_000,
})
const nothing = { message: null, movedBy: null, owner: null, page: null }

function lines(missed: number, details: Decision['details']): readonly string[] {
  return rejectionLines({ ...nothing, missed: Array.from({ length: missed }, (_, index) => move(index + 1)) }, 2_000, details)
}

describe('what a stale reject says', () => {
  it('how many commits were missed, where not all are listed', () => {
    const [line] = lines(8, { moved: [{ resource: 'a/1', expectedVersion: 1, actualVersion: 41 }], movedCount: 1, missedCount: 40 })
    expect(line).toMatch(/^ {2}missed {4}40 commits, the newest 8: version 1: edit by clerk/)
  })

  it('lists them alone where they are all', () => {
    expect(lines(2, { moved: [], movedCount: 1, missedCount: 2 })[0]).toMatch(/^ {2}missed {4}version 1: edit/)
  })

  it('names every key that moved, and how many more', () => {
    const moved = [
      { resource: 'a/1', expectedVersion: 1, actualVersion: 2 },
      { resource: 'b/2', expectedVersion: 3, actualVersion: 9 },
    ]
    expect(lines(0, { moved, movedCount: 2, missedCount: 0 })).toEqual(['  moved     a/1 1 -> 2, b/2 3 -> 9'])
    expect(lines(0, { moved, movedCount: 12, missedCount: 0 })).toEqual(['  moved     a/1 1 -> 2, b/2 3 -> 9, and 10 more'])
  })

  it('goes without, as rejects of other codes and of earlier versions do', () => {
    expect(lines(0, null)).toEqual([])
    expect(lines(1, { other: true })[0]).toMatch(/^ {2}missed {4}version 1/)
  })
})
