const OFFSETS_PER_PARTITION = 2 ** 40

/** The id of the row whose first record has this offset. */
export function rowId(partition: number, firstOffset: number): number {
  return partition * OFFSETS_PER_PARTITION + firstOffset
}
