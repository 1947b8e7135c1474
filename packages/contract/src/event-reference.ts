import type { EventReference } from './generated/records.ts'

/** `partition/offset/index`, as people read and type it. */
export function formatEventReference({ partition, offset, index }: EventReference): string {
  return `${partition}/${offset}/${index}`
}

/** Reads `partition/offset/index`; null when the text is none. */
export function parseEventReference(text: string): EventReference | null {
  const match = /^(\d{1,6})\/(-1|\d{1,15})\/(\d{1,6})$/.exec(text)
  return match === null ? null : { partition: Number(match[1]), offset: Number(match[2]), index: Number(match[3]) }
}
