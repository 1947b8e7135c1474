import { partitionOf, systemScope } from '@signalbox/contract'
import { describe, expect, it } from 'vitest'

describe('the scope of a partition', () => {
  it.each([1, 2, 3, 12, 64, 1_000, 4_096])('lies on that partition, of %i', (partitionCount) => {
    for (const partition of new Set([0, 1, partitionCount >> 1, partitionCount - 1].filter((each) => each < partitionCount)))
      expect(partitionOf(systemScope(partition, partitionCount), partitionCount)).toBe(partition)
  })

  it.each([
    [1, 1],
    [4, 1],
    [-1, 4],
    [0.5, 4],
    [Number.NaN, 4],
    [0, 0],
    [0, -1],
    [0, Number.POSITIVE_INFINITY],
    [Number.MAX_SAFE_INTEGER, 3],
  ])('is none for partition %d of %d, and says so at once', (partition, partitionCount) => {
    expect(() => systemScope(partition, partitionCount)).toThrow(`there is no partition ${partition}: the log has ${partitionCount}`)
  })
})
