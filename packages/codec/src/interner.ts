/**
 * One string object for texts that come again and again: names of scopes, agents, resources and actions. Each decoded
 * record would bring its own otherwise. Shared, they take their room once in a state of a million resources, are found in
 * maps by their address, and are in the processor's cache when they are looked at.
 */

const maxEntries = 16_384
/** Longer texts are taken as they are: they are seldom names. */
const maxLength = 128

export class Interner {
  // Two generations: what was not asked for while the younger one filled up is forgotten.
  #young = new Map<string, string>()
  #old = new Map<string, string>()

  intern(text: string): string {
    const known = this.#young.get(text)
    if (known !== undefined) return known
    if (text.length > maxLength) return text
    const shared = this.#old.get(text) ?? text
    if (this.#young.size >= maxEntries) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(shared, shared)
    return shared
  }
}
