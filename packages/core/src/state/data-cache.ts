/**
 * The data of resources that were committed to lately, parsed: the next decision on them need not parse the text again.
 * Only a short cut: an entry counts where its text is the text of the resource's state, and whoever asks gets a copy, so
 * that contract code may do with it what it likes.
 */
import type { FlatObject } from '@signalbox/contract'
import type { Place } from './resource.ts'

const maxPlaces = 4096
/** Longer texts are not kept, which bounds the memory. */
const maxTextLength = 1024

export class DataCache {
  // The places that have an entry, oldest first; the next one takes the room of the oldest.
  readonly #places: Place[] = []
  #next = 0

  keep(place: Place, data: FlatObject): void {
    if (data.text.length > maxTextLength) return
    if (place.data === null) this.#note(place)
    place.data = data
  }

  #note(place: Place): void {
    const oldest = this.#places[this.#next]
    if (oldest !== undefined) oldest.data = null
    this.#places[this.#next] = place
    this.#next = (this.#next + 1) % maxPlaces
  }
}

/** The data of a resource as a value of the caller's own. */
export function parsedData(text: string, cached: FlatObject | null): unknown {
  return cached !== null && cached.text === text ? { ...cached.value } : JSON.parse(text)
}
