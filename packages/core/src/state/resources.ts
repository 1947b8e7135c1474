/**
 * The resources of a partition, by scope and name. Each has one place that holds its newest state beside its published
 * one: a decision finds it with one look-up however many layers are open, and publishing a layer looks nothing up.
 */
import type { FlatObject } from '@signalbox/contract'
import { DataCache } from './data-cache.ts'
import type { Place, ResourceState } from './resource.ts'

export class Resources {
  readonly #scopes = new Map<string, Map<string, Place>>()
  readonly #cache = new DataCache()
  #publishedCount = 0
  // What was looked up last: `decide` finds the resource that `evolve` then changes.
  #lastScope: string | null = null
  #lastPlaces: Map<string, Place> | undefined = undefined
  #lastPlace: Place | undefined = undefined

  get publishedCount(): number {
    return this.#publishedCount
  }

  find(scope: string, resource: string): Place | undefined {
    const places = this.#placesOf(scope)
    if (places === undefined) return undefined
    const last = this.#lastPlace
    if (last !== undefined && last.resource === resource) return last
    const place = places.get(resource)
    if (place !== undefined) this.#lastPlace = place
    return place
  }

  findOrAdd(scope: string, resource: string): Place {
    const found = this.find(scope, resource)
    if (found !== undefined) return found
    let places = this.#scopes.get(scope)
    if (places === undefined) {
      places = new Map()
      this.#scopes.set(scope, places)
    }
    const place: Place = { scope, resource, newest: undefined, published: undefined, data: null }
    places.set(resource, place)
    return place
  }

  /** Keeps parsed data that a resource is about to have. */
  keepData(scope: string, resource: string, data: FlatObject): void {
    const place = this.find(scope, resource)
    if (place !== undefined) this.#cache.keep(place, data)
  }

  publish(place: Place, state: ResourceState): void {
    if (place.published === undefined) this.#publishedCount++
    place.published = state
  }

  /** Takes a change back that was not published. */
  revert(place: Place, before: ResourceState | undefined): void {
    place.newest = before
    if (before === undefined) this.#remove(place)
  }

  *all(): IterableIterator<Place> {
    for (const places of this.#scopes.values()) yield* places.values()
  }

  #placesOf(scope: string): Map<string, Place> | undefined {
    if (scope === this.#lastScope) return this.#lastPlaces
    const places = this.#scopes.get(scope)
    if (places === undefined) return undefined
    this.#lastScope = scope
    this.#lastPlaces = places
    this.#lastPlace = undefined
    return places
  }

  #remove({ resource, scope }: Place): void {
    const places = this.#scopes.get(scope)!
    places.delete(resource)
    if (places.size === 0) this.#scopes.delete(scope)
    this.#lastScope = null
    this.#lastPlaces = undefined
    this.#lastPlace = undefined
  }
}
