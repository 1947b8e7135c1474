/**
 * Where the scopes of the simulated world belong in a log of two partitions: a table, as kafkajs's default partitioner
 * gives them, so that the checker trusts no code of the core. In a log of one partition everything is on partition 0.
 */
export const partitionsOfScopes: ReadonlyMap<string, 0 | 1> = new Map([
  ['site-a', 1],
  ['harbour', 1],
  ['north', 0],
  ['München', 0],
])

export function modelPartitionOf(scope: string, partitionCount: number): number {
  return partitionCount === 1 ? 0 : partitionsOfScopes.get(scope)!
}
