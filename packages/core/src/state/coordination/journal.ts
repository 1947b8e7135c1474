/**
 * Changes to maps that can be taken back: what is not durable yet lies in layers, as the resources do. Values are never
 * changed in place, so that the one from before is enough to take a change back.
 */

// biome-ignore lint/suspicious/noExplicitAny: maps of any types lie in one list; each entry was written by a typed `set`.
type AnyMap = Map<any, unknown>

export class Journal {
  // A layer is a flat list of map, key, value before.
  readonly #layers: unknown[][] = []
  #top: unknown[] | undefined = undefined
  readonly #listeners = new Map<AnyMap, (key: never, value: never) => void>()

  /** `listener` hears of every value of `map` that a dropped layer brings back. */
  whenTakenBack<Key, Value>(map: Map<Key, Value>, listener: (key: Key, value: Value) => void): void {
    this.#listeners.set(map, listener as (key: never, value: never) => void)
  }

  /** `undefined` removes the key. */
  set<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
    this.#top?.push(map, key, map.get(key))
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }

  begin(): void {
    this.#top = []
    this.#layers.push(this.#top)
  }

  publishOldest(): void {
    this.#layers.shift()
    this.#top = this.#layers.at(-1)
  }

  dropNewest(): void {
    const layer = this.#layers.pop()
    this.#top = this.#layers.at(-1)
    if (layer === undefined) return
    for (let index = layer.length - 3; index >= 0; index -= 3) {
      const map = layer[index] as AnyMap
      const before = layer[index + 2]
      if (before === undefined) map.delete(layer[index + 1])
      else {
        map.set(layer[index + 1], before)
        this.#listeners.get(map)?.(layer[index + 1] as never, before as never)
      }
    }
  }
}
