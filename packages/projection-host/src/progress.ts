/** How far a generation is on its way to the end of the log. */
export interface Progress {
  /** By partition. */
  readonly offsets: readonly number[]
  readonly ends: readonly number[]
  /** Events behind the end, over all partitions; on Kafka the markers of transactions are counted in. */
  readonly behind: number
  /** From 0 to 100. */
  readonly percent: number
  readonly eventsPerSecond: number
  /** Null where nothing has been read yet to tell by. */
  readonly remainingMs: number | null
}

export function progressOf(offsets: readonly number[], ends: readonly number[], folded: { events: number; elapsedMs: number }): Progress {
  const total = ends.reduce((sum, end) => sum + end, 0)
  const behind = ends.reduce((sum, end, partition) => sum + Math.max(0, end - (offsets[partition] ?? 0)), 0)
  const eventsPerSecond = folded.elapsedMs > 0 ? (folded.events * 1_000) / folded.elapsedMs : 0
  return {
    offsets,
    ends,
    behind,
    percent: total === 0 ? 100 : (100 * (total - behind)) / total,
    eventsPerSecond: Math.round(eventsPerSecond),
    remainingMs: behind === 0 ? 0 : eventsPerSecond === 0 ? null : Math.round((behind * 1_000) / eventsPerSecond),
  }
}

/** `41 % (410,000 of 1,000,000), 52,000 events/s, 11 s left`. */
export function describeProgress({ behind, ends, eventsPerSecond, percent, remainingMs }: Progress): string {
  const total = ends.reduce((sum, end) => sum + end, 0)
  const left = remainingMs === null ? 'no telling how long yet' : `${Math.ceil(remainingMs / 1_000)} s left`
  return `${Math.floor(percent)} % (${total - behind} of ${total} events), ${eventsPerSecond} events/s, ${left}`
}
